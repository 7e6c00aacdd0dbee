/**
 * Lines for systemd's journal, on standard error (sd-daemon(3)): a priority, the message, then the fields as JSON. The
 * journal has the time itself.
 */
import { fstatSync } from "node:fs";
import type { LogLine } from "../../shared/protocol/logs.ts";
import { oneLine } from "../../shared/terminal/harmless.ts";

/** pino's level, from which on → syslog's priority. */
const PRIORITIES = [
  { from: 60, priority: 2 },
  { from: 50, priority: 3 },
  { from: 40, priority: 4 },
  { from: 30, priority: 6 },
  { from: 0, priority: 7 },
] as const;

/** Bytes. journald cuts at 48 KiB, and what follows would be a line of its own, with the priority that it begins with. */
const LONGEST_BYTES = 16 * 1024;

/** `<4>the pool is full {"project":"bot"}`. */
export function journalLine(line: LogLine): string {
  const { level, time: _time, msg = "", ...fields } = line;
  const priority = PRIORITIES.find(({ from }) => level >= from)?.priority ?? 7;
  const rest = Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`;
  const text = oneLine(`${msg}${rest}`);
  const bytes = Buffer.from(text);
  const kept = bytes.length <= LONGEST_BYTES ? text : `${bytes.subarray(0, LONGEST_BYTES).toString("utf8")}…`;
  return `<${priority}>${kept}\n`;
}

/**
 * Whether standard error is the journal's: systemd says which file it is (systemd.exec(5), JOURNAL_STREAM), since a service
 * may have sent it elsewhere since.
 */
export function isJournal(stream: string | undefined): boolean {
  if (stream === undefined || stream === "") return false;
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
