/** Keys that a file's schema does not know: never an error, always told, with what was probably meant. */
import { z } from "zod";
import { nearest } from "../apps/nearest.ts";
import type { Findings } from "./findings.ts";
import { FOREIGN_TABLES, KartaJsoncSchema, KartaTomlSchema } from "./manifest-schema.ts";

/** Every key of the two files, dotted, once. */
const SCHEMAS = { "karta.toml": KartaTomlSchema, "karta.jsonc": KartaJsoncSchema } as const;
export type ManifestFileName = keyof typeof SCHEMAS;

/** Warns of each unknown key of a parsed file, and gives one notice for the tables of the original that do nothing. */
export function warnOfUnknownKeys(file: ManifestFileName, value: unknown, findings: Findings): void {
  const foreign: string[] = [];
  const walk = (schema: z.ZodType, part: unknown, parents: readonly string[]): void => {
    const keys = keysOf(schema);
    if (keys === null || typeof part !== "object" || part === null || Array.isArray(part)) return;
    for (const [key, child] of Object.entries(part)) {
      const known = keys.get(key);
      if (known !== undefined) walk(known, child, [...parents, key]);
      else if (parents.length === 0 && FOREIGN_TABLES.includes(key)) foreign.push(key);
      else if (parents.length > 0 || key !== "$schema") {
        findings.warn(
          `${file}: ${[...parents, key].join(".")}`,
          explain(file, [...parents, key], [...keys.keys()]),
        );
      }
    }
  };
  walk(SCHEMAS[file], value, []);
  if (foreign.length > 0) {
    const tables = foreign.map((table) => `[${table}]`).join(" and ");
    findings.warn(
      file,
      `${tables} ${foreign.length === 1 ? "is of the original Karta and has" : "are of the original Karta and have"} no effect here`,
    );
  }
}

function explain(file: ManifestFileName, path: readonly string[], siblings: readonly string[]): string {
  const parents = path.slice(0, -1);
  const key = path.at(-1) ?? "";
  const other = file === "karta.toml" ? "karta.jsonc" : "karta.toml";
  if (
    leaves(SCHEMAS[other]).some((leaf) => leaf === path.join(".") || leaf.startsWith(`${path.join(".")}.`))
  ) {
    return `this key belongs in ${other}; here it has no effect`;
  }
  const near = nearest(key, siblings);
  if (near !== null) return `unknown key, it has no effect; did you mean ${[...parents, near].join(".")}?`;
  const elsewhere = leaves(SCHEMAS[file]).find((leaf) => leaf.split(".").at(-1) === key);
  if (elsewhere !== undefined) return `unknown key, it has no effect; did you mean ${elsewhere}?`;
  return "unknown key, it has no effect";
}

/** The keys of a table's schema; null for a value, or for a table whose keys are free. */
function keysOf(schema: z.ZodType): ReadonlyMap<string, z.ZodType> | null {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  if (inner instanceof z.ZodRecord) return null;
  if (!(inner instanceof z.ZodObject) || inner.def.catchall !== undefined) return null;
  const shape: Record<string, z.ZodType> = inner.shape;
  return new Map(Object.entries(shape));
}

/** `pool.spares`, `harness.claude.thinking_budget_tokens`, … */
function leaves(schema: z.ZodType): readonly string[] {
  const keys = keysOf(schema);
  if (keys === null) return [""];
  return [...keys].flatMap(([key, child]) =>
    leaves(child).map((rest) => (rest === "" ? key : `${key}.${rest}`)),
  );
}
