/** The YAML at the top of an agent's or a skill's Markdown file. */
import { parse } from "yaml";
import { z } from "zod";

interface Fields {
  readonly name: string | null;
  readonly description: string | null;
  /** OpenCode's: `subagent` for one that only other agents call. */
  readonly mode: string | null;
  /** OpenCode's: it is not there at all. */
  readonly isDisabled: boolean;
}

export type Frontmatter =
  | { readonly kind: "none" }
  /** `loose`: not YAML; read line by line, as Claude Code does with it. */
  | (Fields & { readonly kind: "read" | "loose" })
  | { readonly kind: "bad"; readonly message: string };

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String).nullish();
const FieldsSchema = z.object({
  name: text,
  description: text,
  mode: text.catch(null),
  disable: text.catch(null),
});

/** Reads what says which agent or skill it is; other fields are the harness's. */
export function readFrontmatter(markdown: string): Frontmatter {
  const source = /^---[ \t]*\r?\n([\s\S]*?)^---[ \t]*(?:\r?\n|$)/m.exec(markdown);
  if (source?.index !== 0) return { kind: "none" };
  const block = source[1] ?? "";
  let value: unknown;
  try {
    // No aliases: a file of a few lines could otherwise grow into gigabytes.
    value = parse(block, { maxAliasCount: 0, logLevel: "error" });
  } catch {
    const loose = lineByLine(block);
    if (loose.name === null && loose.description === null)
      return { kind: "bad", message: "its frontmatter is not YAML" };
    return { kind: "loose", ...loose };
  }
  const fields = FieldsSchema.safeParse(value ?? {});
  if (!fields.success)
    return { kind: "bad", message: "expected name and description as text in its frontmatter" };
  return { kind: "read", ...fieldsOf((key) => fields.data[key]) };
}

function lineByLine(block: string): Fields {
  return fieldsOf((key) => new RegExp(`^${key}:[ \\t]*(.*?)\\s*$`, "m").exec(block)?.[1]);
}

function fieldsOf(field: (key: keyof z.infer<typeof FieldsSchema>) => string | null | undefined): Fields {
  return {
    name: filled(field("name")),
    description: filled(field("description")),
    mode: filled(field("mode")),
    isDisabled: filled(field("disable")) === "true",
  };
}

function filled(value: string | null | undefined): string | null {
  const trimmed = value?.trim() ?? "";
  return trimmed === "" ? null : trimmed;
}
