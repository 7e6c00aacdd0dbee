/** What is done to a store while no kartad runs on it: `kartad --repair`, `kartad --restore FILE`. */
import { createReadStream, existsSync } from "node:fs";
import type { z } from "zod";
import type { RepairReport, RestoreReportSchema } from "../shared/protocol/control.ts";
import { InstanceLock } from "./instance-lock.ts";
import { applyStaged, stageRestore } from "./store/backup.ts";
import { problemsOf } from "./store/corruption.ts";
import { setAside, storeFile } from "./store/files.ts";

/**
 * Sets a damaged store aside, so that kartad can begin a new one; a whole one is left alone.
 * @throws AlreadyLockedError while a kartad runs
 */
export function repairStore(stateHome: string): Promise<RepairReport> {
  return alone(stateHome, async () => {
    const file = storeFile(stateHome);
    if (!existsSync(file)) return { state: "absent", problems: [], kept: null };
    const problems = await problemsOf(file);
    if (problems.length === 0) return { state: "whole", problems, kept: null };
    return { state: "set_aside", problems, kept: await setAside(stateHome, "damaged", new Date()) };
  });
}

/**
 * Puts a backup in the store's place, which is kept.
 * @throws AlreadyLockedError while a kartad runs; KartaError `invalid_backup`, `storage_unavailable`: nothing has changed
 */
export function restoreStore(stateHome: string, file: string): Promise<z.infer<typeof RestoreReportSchema>> {
  return alone(stateHome, async () => {
    const restored = await stageRestore(stateHome, createReadStream(file));
    return { ...restored, kept: await applyStaged(stateHome, new Date()) };
  });
}

async function alone<T>(stateHome: string, work: () => Promise<T>): Promise<T> {
  const lock = InstanceLock.acquire(stateHome);
  try {
    return await work();
  } finally {
    lock.release();
  }
}
