/** Process groups and families of this machine, as /proc shows them. A zombie counts as gone. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { packageRoot } from "../../shared/paths.ts";

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

function readEntry(pid: number): Entry | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything; the fields after it are: state, parent, group.
    const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? null : { pid, parent: Number(parent), group: Number(group) };
  } catch {
    return null; // gone meanwhile
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // gone meanwhile
  }
}

function everyProcess(): Entry[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (readEntry(Number(name)) ?? []) : []));
}

export function isRunning(pid: number): boolean {
  return readEntry(pid) !== null;
}

/** Pids of the group's living members. */
export function groupMembers(groupId: number): number[] {
  return everyProcess().flatMap((entry) => (entry.group === groupId ? entry.pid : []));
}

/** Pids of the guards that this process started. */
export function guardsOf(parent: number): number[] {
  return everyProcess().flatMap((entry) => {
    return entry.parent === parent && commandOf(entry.pid).includes("\0karta-guard\0") ? entry.pid : [];
  });
}

/** @throws when the stream ends without a line */
export function firstLine(stream: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: stream });
    lines.once("line", resolve);
    lines.once("close", () => reject(new Error("the stream ended without a line")));
  });
}

/** A program of `test/fixtures/agents`. */
export function agentProgram(name: string): string {
  return path.join(packageRoot(), "test", "fixtures", "agents", name);
}
