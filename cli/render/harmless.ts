/** The one seam through which text of others reaches a terminal; kartad's own lines in the foreground take it too. */
export { exactly, harmless, harmlessJson, oneLine, onlyColoured } from "../../shared/terminal/harmless.ts";
