/**
 * Sixty sessions under a mixed load, while kartad and its children are killed, its disk is filled and connections are cut.
 * By hand: `npm run chaos -- --seconds 600 [--seed n]`.
 */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { counted, report, sum } from "./support/chaos/report.ts";
import { checkBooks, outcomes } from "./support/chaos/books.ts";
import { hasProc } from "./support/chaos/family.ts";
import { planOf } from "./support/chaos/plan.ts";
import { plants } from "./support/chaos/planted.ts";
import { leftBehind, run, SPARE_DESCRIPTORS, type Outcome } from "./support/chaos/run.ts";

const plan = planOf(process.env);
jest.setTimeout(180_000 + plan.seconds * 1500);

describe(`${plan.sessions} sessions and every kind of trouble for ${plan.seconds} s`, () => {
  let outcome: Outcome;
  let isOver = false;

  beforeAll(async () => {
    if (!hasProc)
      process.stderr.write("chaos: no /proc here: children are not killed, nothing is known of leaks\n");
    process.stderr.write(`chaos: KARTA_CHAOS_SEED=${plan.seed} KARTA_CHAOS_SECONDS=${plan.seconds}\n`);
    outcome = await run(plan);
    isOver = true;
  });
  afterAll(() => {
    if (isOver) process.stderr.write(reportOf(outcome));
  });

  test("every accepted turn has exactly one end, and every client saw what the log says", () => {
    expect(outcome.findings).toEqual({ lost: [], doubled: [], different: [] });
    expect(outcome.ledger.surprises).toEqual([]);
    const ends = outcomes(outcome.logs);
    expect(ends.get("completed")).toBeGreaterThan(0);
    expect(sum(ends)).toBeGreaterThan(20);
  });

  test("no process, descriptor or temporary file is left", () => {
    expect(outcome.leakedProcesses).toEqual([]);
    expect(outcome.leftTemp).toEqual([]);
    if (outcome.leakedDescriptors.length > SPARE_DESCRIPTORS) expect(outcome.leakedDescriptors).toEqual([]);
    expect(outcome.exitCode).toBe(0);
  });

  test("the books tell of whatever is planted in them", () => {
    for (const [what, { kind, books, logs, stored }] of Object.entries(plants(outcome))) {
      const found = checkBooks(books, logs, stored);
      expect([what, found[kind]]).not.toEqual([what, []]);
    }
  });

  (hasProc ? test : test.skip)("a process that is left is found", () => {
    const idler = spawn("sleep", ["60"], { env: { PATH: process.env.PATH, HOME: outcome.folder } });
    expect(leftBehind([outcome.folder])).toEqual([expect.stringContaining("sleep 60")]);
    idler.kill("SIGKILL");
  });

  test("the store is whole, and the log tells of no bug", () => {
    expect([outcome.stored.integrity, outcome.stored.strays]).toEqual(["ok", 0]);
    expect(outcome.bugs).toEqual([]);
  });
});

function reportOf({
  ledger,
  logs,
  findings,
  tally,
  leakedProcesses,
  leakedDescriptors,
  seconds,
  ...rest
}: Outcome): string {
  const ends = outcomes(logs);
  const faults = ledger.counted("fault:");
  return report([
    ["turns", [["accepted", sum(ends)], ...counted(ends)]],
    ["faults", [["all", sum(faults)], ...counted(faults)]],
    ["requests", counted(tally.counts)],
    ["reconnects", counted(ledger.counted("reconnect:"))],
    [
      "outcome",
      [
        ["lost", findings.lost.length],
        ["doubled", findings.doubled.length],
        ["different", findings.different.length],
        ["leaked processes", leakedProcesses.length],
        ["leaked descriptors", leakedDescriptors.length],
        ["ends stored by the next start", rest.owedEnds],
        ...leakedDescriptors.map((kind) => [`  of ${kind}`, 1] as const),
        ["failed starts (disk full)", rest.failedStarts],
        ["seconds without kartad", rest.away.toFixed(0)],
        ["sessions", logs.size],
        ["events", rest.stored.events.length],
        ["seconds", seconds.toFixed(0)],
        ["seed", plan.seed],
      ],
    ],
  ]);
}
