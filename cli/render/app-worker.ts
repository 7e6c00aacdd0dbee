/** Projects' own code at work, for people. */
import type { AppCalls, AppWorkerStatus } from "../../shared/protocol/apps.ts";
import type { Status } from "../../shared/protocol/control.ts";
import { oneLine } from "./harmless.ts";
import type { Paint, Style } from "./paint.ts";
import { ago, count, duration, size } from "./units.ts";

type Row = readonly [string, string];

/** A line a worker: `support-bot  ready, 120 calls, 2 of them failed, 1 restart`. */
export function workersText(apps: Status["apps"], paint: Paint): string {
  return apps.map(({ project, ...worker }) => `${oneLine(project)}: ${summary(worker, paint)}`).join("\n");
}

/** Rows for `project show`; none for a project without a worker. */
export function workerDetails(worker: AppWorkerStatus | null, paint: Paint): Row[] {
  if (worker === null) return [];
  const kinds = [
    ["policies", worker.policies],
    ["hooks", worker.hooks],
    ["tools", worker.tools],
  ] as const;
  return [
    ["worker", [summary(worker, paint), ...processParts(worker)].join(", ")],
    ...kinds.flatMap(([name, calls]): Row[] => (total(calls) === 0 ? [] : [[`  ${name}`, callsText(calls)]])),
    ...lastError(worker, paint),
  ];
}

function summary(worker: AppWorkerStatus, paint: Paint): string {
  const { policies, hooks, tools, retry_in_seconds: retry } = worker;
  const all = [policies, hooks, tools];
  const sum = (read: (calls: AppCalls) => number): number =>
    all.reduce((so_far, one) => so_far + read(one), 0);
  const bad = sum(wentWrong);
  const state = oneLine(worker.state.replaceAll("_", " "));
  return [
    paint(stateStyle(worker), state) +
      (retry === null ? "" : `, starts again in ${duration(Math.ceil(retry))}`),
    count(sum(total), "call") + (bad === 0 ? "" : `, ${bad} of them without an answer`),
    ...(worker.overdue === 0 ? [] : [`${worker.overdue} past their deadline and still going on`]),
    ...(worker.restarts === 0 ? [] : [count(worker.restarts, "restart")]),
  ].join(", ");
}

function processParts({ pid, age_seconds: age, rss_bytes: bytes }: AppWorkerStatus): string[] {
  return [
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(age === null ? [] : [`up ${duration(age)}`]),
    ...(bytes === null ? [] : [size(bytes)]),
  ];
}

/** `120 answered, 2 timed out, 1 running`: what is not nothing. */
function callsText(calls: AppCalls): string {
  return Object.entries(calls)
    .filter(([, number]) => number > 0)
    .map(([how, number]) => `${number} ${oneLine(how.replaceAll("_", " "))}`)
    .join(", ");
}

function lastError({ last_error: error }: AppWorkerStatus, paint: Paint): Row[] {
  if (error === null) return [];
  return [["last error", `${paint("yellow", oneLine(error.detail))} (${ago(error.at, Date.now())})`]];
}

function wentWrong({ failed, timed_out: late, lost }: AppCalls): number {
  return failed + late + lost;
}

function total(calls: AppCalls): number {
  return Object.values(calls).reduce((sum, number) => sum + number, 0);
}

function stateStyle({ state }: AppWorkerStatus): Style {
  switch (state) {
    case "ready":
      return "green";
    case "starting":
      return "yellow";
    case "backing_off":
      return "red";
    case "stopping":
    case "stopped":
      return "dim";
  }
}
