/** JSON, with or without comments, as a value, or the line and column where it stops being that. */
import { parse, printParseErrorCode, type ParseError } from "jsonc-parser";
import type { Parsed } from "../../shared/toml.ts";

/** `jsonc`: comments and trailing commas are fine, and so is an empty file (null). Never throws. */
export function parseJson(text: string, dialect: "json" | "jsonc"): Parsed {
  const errors: ParseError[] = [];
  const lenient = dialect === "jsonc";
  const value: unknown = parse(text, errors, {
    disallowComments: !lenient,
    allowTrailingComma: lenient,
    allowEmptyContent: lenient,
  });
  const [first] = errors;
  if (first === undefined) return { ok: true, value: value ?? null };
  return { ok: false, ...positionOf(text, first.offset), message: `syntax error: ${describe(first)}` };
}

function describe(error: ParseError): string {
  // "CommaExpected" → "comma expected"
  return printParseErrorCode(error.error)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();
}

function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
