/** TOML text as a value, or the line and column where it stops being TOML: karta.toml, kartad.toml, offline.toml. */
import { parse } from "toml";
import { z } from "zod";

export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  /** Line and column count from 1. */
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

// The package throws two kinds: its grammar's error (a location, and what it expected, which is dozens of characters and
// no help) and its compiler's (line and column, and a sentence, such as for a key given twice).
const GrammarErrorSchema = z.object({
  found: z.string().nullable(),
  location: z.object({ start: z.object({ line: z.int(), column: z.int() }) }),
});
const CompilerErrorSchema = z.object({ line: z.int(), column: z.int(), message: z.string() });

/** Never throws. */
export function parseToml(text: string): Parsed {
  try {
    const value: unknown = parse(text);
    return { ok: true, value };
  } catch (error) {
    const grammar = GrammarErrorSchema.safeParse(error);
    if (grammar.success) {
      const { found, location } = grammar.data;
      return { ok: false, ...location.start, message: `syntax error: ${unexpected(found)}` };
    }
    const compiler = CompilerErrorSchema.safeParse(error);
    if (compiler.success) return { ok: false, ...compiler.data };
    return { ok: false, line: 1, column: 1, message: `not TOML: ${String(error)}` };
  }
}

function unexpected(found: string | null): string {
  switch (found) {
    case null:
      return "the file ends in the middle of a value";
    case "\n":
    case "\r":
      return "the line ends too early (a value or a closing quote is missing)";
    default:
      return `unexpected ${JSON.stringify(found)}`;
  }
}
