/** What a tool would work on, in one line or a few: what people look at before they say yes. */

/** Where tools name it, the more telling before the less. */
const KEYS = ["file_path", "notebook_path", "path", "command", "url", "query", "pattern"] as const;

/** The whole input is in the `agent.tool_use` event; this is for a question's line. */
const MOST_CHARACTERS = 4000;

/** @param input what the tool is given, of whatever form */
export function targetOf(input: unknown): string {
  const found = named(input) ?? asJson(input);
  return found.length <= MOST_CHARACTERS ? found : `${found.slice(0, MOST_CHARACTERS)}…`;
}

function named(input: unknown): string | null {
  if (typeof input !== "object" || input === null) return typeof input === "string" ? input : null;
  const fields = new Map<string, unknown>(Object.entries(input));
  for (const key of KEYS) {
    const value = fields.get(key);
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}

function asJson(input: unknown): string {
  if (input === null || input === undefined) return "";
  const json = JSON.stringify(input);
  return json === "{}" ? "" : json;
}
