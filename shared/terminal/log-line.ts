/** One of pino's lines for people: time, level, message, then the other fields. */
import type { LogLine } from "../protocol/logs.ts";
import { clock } from "./clock.ts";
import { harmless, oneLine } from "./harmless.ts";
import type { Paint, Style } from "./paint.ts";

/** pino's numbers, highest first. */
const LEVELS: readonly { readonly from: number; readonly name: string; readonly style: Style }[] = [
  { from: 60, name: "FATAL", style: ["red", "bold"] },
  { from: 50, name: "ERROR", style: "red" },
  { from: 40, name: "WARN", style: "yellow" },
  { from: 30, name: "INFO", style: "green" },
  { from: 20, name: "DEBUG", style: "blue" },
  { from: 0, name: "TRACE", style: "dim" },
];
/** Of no use on a line: they are shown elsewhere, or are the same on every line. */
const LEFT_OUT = new Set(["level", "time", "msg", "pid", "hostname", "v"]);

/** `14:03:07.120 INFO  turn started session=sess_…`; an error's stack follows, indented. */
export function logLine(line: LogLine, paint: Paint): string {
  const level = LEVELS.find((candidate) => line.level >= candidate.from) ?? LEVELS[LEVELS.length - 1];
  const name = paint(level?.style ?? "dim", (level?.name ?? "").padEnd(5));
  const fields = Object.entries(line).filter(([key]) => !LEFT_OUT.has(key) && key !== "err");
  const rest = fields
    .map(([key, value]) => ` ${paint("dim", `${oneLine(key)}=`)}${oneLine(plain(value))}`)
    .join("");
  return `${paint("dim", clock(line.time))} ${name} ${oneLine(line.msg ?? "")}${rest}${errorText(line.err)}`;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function errorText(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("stack" in error && typeof error.stack === "string")
    return `\n    ${harmless(error.stack).replaceAll("\n", "\n    ")}`;
  return ` err=${oneLine(JSON.stringify(error))}`;
}
