/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import type { Measure } from "./measure.ts";

export interface Flags {
  readonly measures: readonly Measure[];
  /** Null: each measure's own default. */
  readonly samples: number | null;
  /** Print the results as JSON instead of a table. */
  readonly json: boolean;
  readonly help: boolean;
}

/** @throws Error with one line for people */
export function readFlags(argv: readonly string[], all: readonly Measure[]): Flags {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: "string" },
      samples: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const wanted = values.only?.split(",").map((name) => name.trim());
  const unknown = wanted?.find((name) => !all.some((measure) => measure.name === name));
  if (unknown !== undefined) {
    throw new Error(`there is no measure "${unknown}"; there are: ${all.map(({ name }) => name).join(", ")}`);
  }
  const samples = values.samples === undefined ? null : Number(values.samples);
  if (samples !== null && (!Number.isInteger(samples) || samples < 1)) {
    throw new Error(`--samples: expected a whole number from 1, found "${values.samples ?? ""}"`);
  }
  return {
    measures: all.filter(({ name }) => wanted?.includes(name) ?? true),
    samples,
    json: values.json,
    help: values.help,
  };
}

export function usage(all: readonly Measure[]): string {
  const width = Math.max(...all.map(({ name }) => name.length));
  return `npm run bench [-- --only NAME[,NAME]] [--samples N] [--json]

Karta against a plain script with the same harness, in one run. Nothing is asserted: a miss stays in the table.
Results also go to bench-results.json.

  --only NAME[,NAME]   some measures alone
  --samples N          samples of each contender
  --json               print the results as JSON

${all.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join("\n")}
`;
}
