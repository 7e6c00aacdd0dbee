/** The YAML at the top of an agent's or a skill's Markdown file. */
import { parse } from "yaml";
import { z } from "zod";

export type Frontmatter =
  | { readonly kind: "none" }
  /** `loose`: not YAML; read line by line, as Claude Code does with it. */
  | { readonly kind: "read" | "loose"; readonly name: string | null; readonly description: string | null }
  | { readonly kind: "bad"; readonly message: string };

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String).nullish();
const FieldsSchema = z.object({ name: text, description: text });

/** Reads `name` and `description`; other fields are the harness's. */
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
  return { kind: "read", name: filled(fields.data.name), description: filled(fields.data.description) };
}

function lineByLine(block: string): { name: string | null; description: string | null } {
  const field = (key: string) => filled(new RegExp(`^${key}:[ \\t]*(.*?)\\s*$`, "m").exec(block)?.[1]);
  return { name: field("name"), description: field("description") };
}

function filled(value: string | null | undefined): string | null {
  const trimmed = value?.trim() ?? "";
  return trimmed === "" ? null : trimmed;
}
