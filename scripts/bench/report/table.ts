/** The findings as an aligned table. */
import { styleText } from "node:util";
import {
  isSkipped,
  isWithinBudget,
  judged,
  type Budget,
  type Finding,
  type Line,
  type Unit,
} from "../measure.ts";

const HEADER = ["measure", "baseline", "Karta", "ratio", "budget", ""];

export function renderTable(lines: readonly Line[]): string {
  const rows = [HEADER, ...lines.map(cells)];
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const text = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === 5 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  return text.map((line, index) => (index === 0 ? styleText("bold", line) : colour(line))).join("\n");
}

function cells(line: Line): string[] {
  if (isSkipped(line)) return [line.measure, "–", "–", "–", "–", `skipped: ${line.skipped}`];
  const { measure, baseline, karta, unit, budget } = line;
  return [
    measure,
    baseline === null ? "–" : figure(baseline, unit),
    figure(karta, unit),
    baseline === null || budget.on === "added" ? shownDifference(line) : (karta / baseline).toFixed(2),
    budgetText(budget, unit),
    isWithinBudget(line) ? "ok" : "MISS",
  ];
}

function shownDifference(finding: Finding): string {
  if (finding.budget.on !== "added") return "–";
  const added = judged(finding);
  return `${added < 0 ? "−" : "+"}${figure(Math.abs(added), finding.unit)}`;
}

function budgetText(budget: Budget, unit: Unit): string {
  switch (budget.on) {
    case "ratio":
      return `≤ ${budget.atMost}`;
    case "added":
      return `≤ +${budget.atMost} ${unit}`;
    case "value":
      return `≤ ${budget.atMost} ${unit}`;
  }
}

function figure(value: number, unit: Unit): string {
  return `${value.toFixed(unit === "events" ? 0 : Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0)} ${unit}`;
}

function colour(line: string): string {
  if (line.endsWith("MISS")) return styleText("red", line);
  return line.includes("skipped:") ? styleText("dim", line) : line;
}
