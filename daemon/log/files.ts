/** The log's files: the current one and those that it was rotated into. */
import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { LogLineSchema, type LogLine } from "../../shared/protocol/logs.ts";

/** The newest lines that match, oldest first: from the newest file back, as far as it takes. */
export async function readNewest(
  folder: string,
  { since, most, wants }: { since: number | undefined; most: number; wants: (line: LogLine) => boolean },
): Promise<LogLine[]> {
  let found: LogLine[] = [];
  for (const file of (await logFiles(folder)).reverse()) {
    const { lines, changedAt } = await linesOf(file, most - found.length, wants);
    found = [...lines, ...found];
    // What is older than this file is older than its last change.
    if (found.length >= most || (since !== undefined && changedAt < since)) break;
  }
  return found;
}

/** By their numbers, oldest first. */
async function logFiles(folder: string): Promise<string[]> {
  const numbered = (await readdir(folder)).flatMap((name) => {
    const match = /^kartad\.(\d+)\.log$/.exec(name);
    return match ? [{ name, number: Number(match[1]) }] : [];
  });
  return numbered.sort((a, b) => a.number - b.number).map(({ name }) => path.join(folder, name));
}

/** The last `most` lines that are wanted; none of a file that was rotated away meanwhile. */
async function linesOf(
  file: string,
  most: number,
  wants: (line: LogLine) => boolean,
): Promise<{ lines: LogLine[]; changedAt: number }> {
  const lines: LogLine[] = [];
  const handle = await open(file).catch(() => null);
  if (handle === null) return { lines, changedAt: Infinity };
  const { mtimeMs: changedAt } = await handle.stat();
  for await (const text of createInterface({ input: handle.createReadStream(), crlfDelay: Infinity })) {
    const line = parseLine(text);
    if (line === null || !wants(line)) continue;
    lines.push(line);
    if (lines.length >= 2 * most) lines.splice(0, lines.length - most);
  }
  return { lines: lines.slice(-most), changedAt };
}

/** Null for a line that a crash cut short. */
export function parseLine(text: string): LogLine | null {
  try {
    const parsed = LogLineSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
