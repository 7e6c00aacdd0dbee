/** The findings as data: what was measured, where and when. */
import os from "node:os";
import { isSkipped, isWithinBudget, judged, type Line } from "../measure.ts";

export function resultsOf(lines: readonly Line[]): object {
  const [cpu] = os.cpus();
  return {
    date: new Date().toISOString(),
    machine: {
      platform: `${process.platform} ${process.arch} ${os.release()}`,
      cpu: cpu?.model ?? "unknown",
      cores: os.availableParallelism(),
      memory_bytes: os.totalmem(),
      load_average: os.loadavg(),
    },
    node: process.version,
    measures: lines.map((line) =>
      isSkipped(line)
        ? line
        : {
            ...line,
            ratio: line.baseline === null ? null : line.karta / line.baseline,
            judged: judged(line),
            ok: isWithinBudget(line),
          },
    ),
  };
}
