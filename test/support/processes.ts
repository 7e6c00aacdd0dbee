/** Real processes on this machine, as /proc shows them. */
import { readdirSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

export interface ProcessInfo {
  readonly pid: number;
  readonly command: string;
}

function environOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return ""; // gone meanwhile, or a zombie
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** Live processes whose environment holds one of these texts: everything that a test's home started carries its path. */
export function processesWith(...texts: readonly string[]): ProcessInfo[] {
  const hasOne = (environ: string): boolean => texts.some((text) => environ.includes(text));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && hasOne(environOf(name)))
    .map((name) => ({ pid: Number(name), command: commandOf(name) }))
    .filter(({ command }) => command !== "");
}

/** Live processes with just this command line. */
export function processesRunning(command: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandOf(pid) === command).map(Number);
}

/** Waits until a condition on the machine holds; there is no event for another program's death. @throws after 10 s */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not come true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until what is read equals what is expected. @throws after 10 s, saying what was read last */
export async function eventuallyIs(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (let found = await read(); !isDeepStrictEqual(found, expected); found = await read()) {
    if (performance.now() > deadline)
      throw new Error(`expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until what is read is below a bound. @throws after 10 s, saying what was read last */
export async function eventuallyBelow(read: () => Promise<number>, bound: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (let found = await read(); found >= bound; found = await read()) {
    if (performance.now() > deadline) throw new Error(`expected less than ${bound}, found ${found}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
