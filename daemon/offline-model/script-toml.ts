/** TOML text as a value, or the place where it stops being TOML. */
import { parse } from "toml";
import { z } from "zod";

export type ParsedToml =
  | { readonly ok: true; readonly value: unknown }
  /** Line and column count from 1. */
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

// The package throws two kinds: its grammar's error (a location, and a list of what it expected that helps nobody) and
// its compiler's (line, column and a sentence, such as for a key given twice).
const GrammarErrorSchema = z.object({
  found: z.string().nullable(),
  location: z.object({ start: z.object({ line: z.int(), column: z.int() }) }),
});
const CompilerErrorSchema = z.object({ line: z.int(), column: z.int(), message: z.string() });

/** Never throws. */
export function parseScriptToml(text: string): ParsedToml {
  try {
    const value: unknown = parse(text);
    return { ok: true, value };
  } catch (error) {
    const grammar = GrammarErrorSchema.safeParse(error);
    if (grammar.success) {
      const { found, location } = grammar.data;
      const { line, column } = location.start;
      return { ok: false, line, column, message: `syntax error: ${unexpected(found)}` };
    }
    const compiler = CompilerErrorSchema.safeParse(error);
    if (compiler.success) return { ok: false, ...withHint(text, compiler.data) };
    return { ok: false, line: 1, column: 1, message: `not TOML: ${String(error)}` };
  }
}

/** The commonest slip: a regular expression's `\\w` in "…", where TOML reads an escape. */
function withHint(text: string, error: z.infer<typeof CompilerErrorSchema>) {
  const culprit = text.split("\n")[error.line - 1]?.charAt(error.column - 1);
  const hint = " (a regular expression is easiest in '…', where a backslash is just that)";
  return culprit === "\\" ? { ...error, message: error.message + hint } : error;
}

function unexpected(found: string | null): string {
  if (found === null) return "the file ends in the middle of a value";
  if (found === "\n" || found === "\r") return "the line ends too early (is a value or a quote missing?)";
  return `unexpected ${JSON.stringify(found)}`;
}
