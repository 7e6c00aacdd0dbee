/** offline.toml as a value. Its commonest slip gets a hint: a regular expression's `\\w` in "…", where TOML reads an escape. */
import { parseToml, type Parsed } from "../../shared/toml.ts";

const HINT = " (a regular expression is easiest in '…', where a backslash is just that)";

/** Never throws. */
export function parseScriptToml(text: string): Parsed {
  const parsed = parseToml(text);
  if (parsed.ok) return parsed;
  const culprit = text.split("\n")[parsed.line - 1]?.charAt(parsed.column - 1);
  return culprit === "\\" ? { ...parsed, message: parsed.message + HINT } : parsed;
}
