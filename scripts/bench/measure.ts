/** What a measure is and what it finds. Everything is held against a baseline of the same run, or against a plain bound. */
import type { Scope } from "./scope.ts";

export type Unit = "ms" | "µs" | "MB" | "events";

/** What must hold. `ratio`: Karta ÷ baseline; `added`: Karta − baseline; `value`: Karta's figure itself. */
export interface Budget {
  readonly on: "ratio" | "added" | "value";
  readonly atMost: number;
}

/** One line of the table. */
export interface Finding {
  readonly measure: string;
  readonly unit: Unit;
  /** Null: there is nothing to hold it against but the budget. */
  readonly baseline: number | null;
  readonly karta: number;
  readonly budget: Budget;
  /** What the two figures were made of. */
  readonly samples: { readonly baseline: readonly number[]; readonly karta: readonly number[] };
  /** For people: what else was seen. */
  readonly note?: string;
}

/** A line that could not be measured, and why. */
export interface Skipped {
  readonly measure: string;
  readonly skipped: string;
}

export type Line = Finding | Skipped;

export interface MeasureContext {
  /** Karta's own folder. */
  readonly root: string;
  /** Null: the measure's own default. */
  readonly samples: number | null;
  /** Frees what the measure starts, when it ends or at Ctrl-C. */
  readonly scope: Scope;
  /** Progress, for people. */
  readonly say: (text: string) => void;
}

export interface Measure {
  readonly name: string;
  readonly about: string;
  readonly run: (context: MeasureContext) => Promise<Line[]>;
}

export function isSkipped(line: Line): line is Skipped {
  return "skipped" in line;
}

/** The figure that the budget is about. */
export function judged({ baseline, karta, budget }: Finding): number {
  switch (budget.on) {
    case "ratio":
      return baseline === null ? Number.NaN : karta / baseline;
    case "added":
      return karta - (baseline ?? 0);
    case "value":
      return karta;
  }
}

export function isWithinBudget(finding: Finding): boolean {
  return judged(finding) <= finding.budget.atMost;
}
