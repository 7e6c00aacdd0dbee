/** Agent processes for people. */
import type { Status } from "../../shared/protocol/control.ts";
import { oneLine } from "./harmless.ts";
import type { Paint, Style } from "./paint.ts";
import { shortIdLength } from "./session.ts";
import type { Column } from "./table.ts";
import { count, duration, size } from "./units.ts";

type PoolProcess = Status["processes"][number];

const ID_SHOWN = "proc_".length + 8;

export function poolColumns(processes: readonly PoolProcess[]): readonly Column<PoolProcess>[] {
  const length = shortIdLength(processes.flatMap(({ session_id }) => session_id ?? []));
  return [
    { header: "ID", cell: ({ id }) => id.slice(0, ID_SHOWN) },
    { header: "PID", cell: ({ pid }) => (pid === null ? "-" : String(pid)), align: "right" },
    { header: "STATE", cell: ({ state }) => state, style: stateStyle },
    { header: "PROJECT", cell: ({ project }) => project, shrink: true },
    { header: "SESSION", cell: ({ session_id }) => session_id?.slice(0, length) ?? "spare" },
    { header: "AGE", cell: ({ age_seconds }) => duration(age_seconds) },
    {
      header: "MEMORY",
      cell: ({ rss_bytes }) => (rss_bytes === null ? "-" : size(rss_bytes)),
      align: "right",
    },
    { header: "TURNS", cell: ({ turns }) => String(turns), align: "right" },
  ];
}

/** The totals, and a line for every lane that backs off. */
export function poolText({ processes, pool }: Pick<Status, "processes" | "pool">, paint: Paint): string {
  const inState = (state: string) => processes.filter((held) => held.state === state).length;
  return [
    `${processes.length} of ${count(pool.max_processes, "process", "processes")}: ` +
      `${count(inState("ready"), "spare")}, ${inState("bound")} bound, ${inState("busy")} busy; ${pool.waiting} waiting`,
    `since the start: ${pool.warm_starts} warm and ${pool.cold_starts} cold starts, ` +
      `${count(pool.evictions, "eviction")}, ${count(pool.crashes, "crash", "crashes")}, ${pool.oversized} over the memory limit`,
    ...pool.backing_off.map(({ project, failures, retry_in_seconds }) =>
      paint(
        "yellow",
        `${oneLine(project)} backs off after ${count(failures, "failure")}: it may start again in ${duration(Math.ceil(retry_in_seconds))}`,
      ),
    ),
  ].join("\n");
}

function stateStyle({ state }: PoolProcess): Style | null {
  switch (state) {
    case "busy":
      return "green";
    case "ready":
      return "cyan";
    case "stopping":
      return "dim";
    default:
      return null;
  }
}
