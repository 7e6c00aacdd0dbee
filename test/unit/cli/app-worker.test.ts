import { expect, test } from "@jest/globals";
import { workerDetails, workersText } from "../../../cli/render/app-worker.ts";
import type { AppWorkerStatus } from "../../../shared/protocol/apps.ts";

const plain = (_style: unknown, text: string): string => text;
const none = { running: 0, waiting: 0, answered: 0, failed: 0, timed_out: 0, cancelled: 0, lost: 0 };
const ready: AppWorkerStatus = {
  state: "ready",
  pid: 4711,
  age_seconds: 65,
  rss_bytes: 17 * 1024 * 1024,
  policies: { ...none, answered: 100, timed_out: 2, running: 1 },
  hooks: none,
  tools: { ...none, answered: 7, cancelled: 1 },
  overdue: 2,
  restarts: 1,
  retry_in_seconds: null,
  last_error: { at: new Date().toISOString(), detail: "a policy\u001b failed:\nlate" },
};

test("a worker is a line: its state, its calls, what goes on past a deadline, what was started again", () => {
  const failing: AppWorkerStatus = {
    ...ready,
    state: "backing_off",
    policies: { ...none, lost: 3 },
    tools: none,
    overdue: 0,
    restarts: 0,
    retry_in_seconds: 3.2,
  };
  expect(
    workersText(
      [
        { project: "bot", ...ready },
        { project: "b\u001bad", ...failing },
      ],
      plain,
    ).split("\n"),
  ).toEqual([
    "bot: ready, 111 calls, 2 of them without an answer, 2 past their deadline and still going on, 1 restart",
    "b␛ad: backing off, starts again in 4 s, 3 calls, 3 of them without an answer",
  ]);
});

test("a project's worker has a row for each kind of calls that there were, and for what went wrong last", () => {
  const rows = new Map(workerDetails(ready, plain));
  expect([...rows.keys()].map((name) => name.trim())).toEqual(["worker", "policies", "tools", "last error"]);
  expect(rows.get("worker")).toContain("pid 4711, up 1 min 5 s, 17.0 MiB");
  expect(rows.get("  policies")).toBe("1 running, 100 answered, 2 timed out");
  expect(rows.get("last error")).toMatch(/^a policy␛ failed:.*late \(just now\)$/);
  expect(workerDetails(null, plain)).toEqual([]);
});
