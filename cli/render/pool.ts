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
  const sharers = (pid: number | null): number => processes.filter((held) => held.pid === pid).length;
  return [
    { header: "ID", cell: ({ id }) => id.slice(0, ID_SHOWN) },
    { header: "PID", cell: ({ pid }) => (pid === null ? "-" : String(pid)), align: "right" },
    { header: "STATE", cell: ({ state }) => state, style: stateStyle },
    { header: "PROJECT", cell: ({ project }) => project, shrink: true },
    { header: "SESSION", cell: ({ session_id }) => session_id?.slice(0, length) ?? "spare" },
    { header: "AGE", cell: ({ age_seconds }) => duration(age_seconds) },
    {
      header: "MEMORY",
      cell: ({ rss_bytes, pid }) => (rss_bytes === null ? "-" : memoryText(rss_bytes, sharers(pid))),
      align: "right",
    },
    { header: "TURNS", cell: ({ turns }) => String(turns), align: "right" },
  ];
}

/** The totals, and a line for every lane that backs off. */
export function poolText({ processes, pool }: Pick<Status, "processes" | "pool">, paint: Paint): string {
  const inState = (state: string) => processes.filter((held) => held.state === state).length;
  const system = new Set(processes.flatMap(({ pid }) => pid ?? [])).size;
  const isShared = processes.filter(({ pid }) => pid !== null).length > system;
  const held = isShared
    ? `${count(processes.length, "place")} of ${pool.max_processes}, in ${count(system, "process", "processes")}`
    : `${processes.length} of ${count(pool.max_processes, "process", "processes")}`;
  return [
    `${held}: ${count(inState("ready"), "spare")}, ${inState("bound")} bound, ${inState("busy")} busy; ${pool.waiting} waiting`,
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

/** What the process holds is told once in full for each conversation on it, with how many share it. */
function memoryText(bytes: number, sharers: number): string {
  return sharers > 1 ? `${size(bytes)} for ${sharers}` : size(bytes);
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
