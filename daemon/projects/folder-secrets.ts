/** What a project's files hold of credentials: kept out of logs and errors, wherever they come up. */
import { parseEnv } from "node:util";
import { isSecretName } from "../../shared/secret-shapes.ts";
import { readText } from "./folder-files.ts";
import { parseJson } from "./parse-json.ts";

export type NamedSecret = readonly [name: string, value: string];

/** Settings of harnesses in which people put keys. */
const FILES = [".mcp.json", "opencode.json", "opencode.jsonc", ".claude/settings.json"];
/** Tables whose values are secrets as often as not. */
const SECRET_TABLE = /^(?:headers|env|environment|http_headers)$/i;
/** A value that stands for another: `${NAME}`, `{env:NAME}`. */
const REFERENCE = /^(?:\$\{[^}]*\}|\{(?:env|file):[^}]*\})$/;
/** Levels of what is in what. */
const DEEPEST = 12;

/** Never throws: a file that cannot be read is told of elsewhere. */
export async function folderSecrets(root: string): Promise<NamedSecret[]> {
  const dotEnv = await readText(root, ".env").catch(() => null);
  const named = dotEnv?.kind === "text" ? Object.entries(parseEnv(dotEnv.text)) : [];
  const found: NamedSecret[] = named.flatMap(([name, value]) =>
    value !== undefined && isSecretName(name) ? [[name, value] as const] : [],
  );
  for (const file of FILES) {
    const read = await readText(root, file).catch(() => null);
    if (read?.kind !== "text") continue;
    const parsed = parseJson(read.text, "jsonc");
    if (parsed.ok) collect(parsed.value, { name: file, isSecret: false, depth: 0 }, found);
  }
  return found;
}

interface Place {
  readonly name: string;
  readonly isSecret: boolean;
  readonly depth: number;
}

function collect(value: unknown, place: Place, found: NamedSecret[]): void {
  const depth = place.depth + 1;
  if (depth > DEEPEST) return;
  if (typeof value === "string") {
    if (place.isSecret && !REFERENCE.test(value)) found.push(...withoutScheme(place.name, value));
  } else if (Array.isArray(value)) {
    let previous = "";
    for (const item of value as readonly unknown[]) {
      const text = typeof item === "string" ? item : "";
      const [flag = "", given] = text.split("=", 2);
      // `--api-key VALUE`, `--api-key=VALUE`
      if (given !== undefined && isFlag(flag)) found.push([flag, given]);
      collect(
        item,
        {
          name: isFlag(previous) ? previous : place.name,
          isSecret: place.isSecret || isFlag(previous),
          depth,
        },
        found,
      );
      previous = text;
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [name, field] of Object.entries(value)) {
      const isTable = typeof field === "object" && field !== null && SECRET_TABLE.test(name);
      const isSecret = place.isSecret || isTable || (typeof field === "string" && isSecretName(name));
      collect(field, { name, isSecret, depth }, found);
    }
  }
}

function isFlag(text: string): boolean {
  return text.startsWith("-") && isSecretName(text);
}

/** `Bearer VALUE` is found as VALUE too. */
function withoutScheme(name: string, value: string): NamedSecret[] {
  const credential = /^(?:bearer|basic|token)\s+(\S+)$/i.exec(value)?.[1];
  return credential === undefined
    ? [[name, value]]
    : [
        [name, value],
        [name, credential],
      ];
}
