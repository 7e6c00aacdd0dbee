/**
 * Requests that a harness makes for itself. Seen with Claude Code 2.1.330: a title (no tools, "You are naming a coding
 * session", a JSON schema for the answer) and a compaction (all tools offered, and a last user text that forbids them);
 * with OpenCode 1.18: a title (no tools, "You are a title generator").
 */
export type SideRequest =
  | { readonly kind: "probe" }
  /** JSON keys to fill; empty: plain text. */
  | { readonly kind: "title"; readonly keys: readonly string[] }
  | { readonly kind: "summary" };

export interface SideSigns {
  /** All system text, joined. */
  readonly system: string;
  readonly lastUserText: string;
  readonly hasTools: boolean;
  readonly maxTokens: number | null;
  /** Required keys of the JSON schema the answer must fit; empty: none was given. */
  readonly jsonKeys: readonly string[];
}

const COMPACTION =
  /^(?:CRITICAL: Respond with TEXT ONLY\. Do NOT call any tools|Your task is to create a detailed summary of )/;
/** Claude Code's own, for the page it fetched, has no system text to tell it by. */
const FETCHED_PAGE = "Web page content:\n---";
const TITLE =
  /\b(?:naming a (?:coding )?session|title generator|generate a (?:\w+,? ){0,4}title|new (?:conversation )?topic)\b/i;
const SUMMARY = /\bsummari[sz](?:e|ing) (?:this |the |a )?(?:\w+ ){0,2}conversation\b/i;

/** Null: it is the user's turn. A conversation without tools is one too, unless its system text gives another task. */
export function findSideRequest(signs: SideSigns): SideRequest | null {
  const { system, lastUserText, hasTools, maxTokens, jsonKeys } = signs;
  if (maxTokens === 1) return { kind: "probe" };
  if (COMPACTION.test(lastUserText)) return { kind: "summary" };
  if (hasTools) return null;
  if (TITLE.test(system) || jsonKeys.includes("title")) return { kind: "title", keys: jsonKeys };
  if (SUMMARY.test(system) || lastUserText.startsWith(FETCHED_PAGE)) return { kind: "summary" };
  return null;
}

/** The fixed answers. Claude Code refuses a compaction without the tags and asks again. */
export function sideAnswer(request: SideRequest): string {
  switch (request.kind) {
    case "probe":
      return "ok";
    case "title":
      return request.keys.length === 0
        ? "Offline session"
        : JSON.stringify(Object.fromEntries(request.keys.map((key) => [key, "Offline session"])));
    case "summary":
      return "<analysis>Scripted while offline.</analysis>\n<summary>A conversation with the offline model.</summary>";
  }
}
