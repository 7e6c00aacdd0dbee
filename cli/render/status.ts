/** The daemon's status for people. */
import type { Service, Status } from "../../shared/protocol/control.ts";
import { workersText } from "./app-worker.ts";
import { oneLine } from "./harmless.ts";
import type { Paint } from "./paint.ts";
import { details } from "./table.ts";
import { count, duration, size } from "./units.ts";

export function statusText(status: Status, paint: Paint): string {
  const { sessions, processes, memory } = status;
  return details(
    [
      [
        "kartad",
        `${oneLine(status.version)}, ${paint("green", "running")}${status.offline ? ", offline" : ""}`,
      ],
      ["pid", String(status.pid)],
      ["uptime", duration(status.uptime_seconds)],
      ["address", oneLine(status.url)],
      ...(status.service === null || status.service === undefined
        ? []
        : [["service", SERVICE_WORDS[status.service]] as const]),
      ["state", oneLine(status.state_home)],
      ["projects", String(status.projects)],
      [
        "sessions",
        `${sessions.active} active, ${sessions.with_process} with a process, ${count(sessions.running_turns, "running turn")}`,
      ],
      ["pool", poolText(processes)],
      ...(status.apps.length === 0 ? [] : [["apps", workersText(status.apps, paint)] as const]),
      ["memory", `${size(memory.rss_bytes)} resident, ${size(memory.heap_used_bytes)} heap`],
    ],
    paint,
  );
}

const SERVICE_WORDS: Readonly<Record<Service, string>> = {
  user: "kept running by systemd, of yours",
  system: "kept running by systemd, of the system",
  launchd: "kept running by launchd",
};

/** `3 processes: 2 idle, 1 busy`. */
function poolText(processes: Status["processes"]): string {
  if (processes.length === 0) return "no process";
  const states = new Map<string, number>();
  for (const { state } of processes) states.set(state, (states.get(state) ?? 0) + 1);
  const parts = [...states].map(([state, number]) => `${number} ${oneLine(state)}`);
  return `${processes.length} ${processes.length === 1 ? "process" : "processes"}: ${parts.join(", ")}`;
}
