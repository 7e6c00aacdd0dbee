/** Whether this kartad keeps spare processes, and when one is ready. */
import { waitUntil } from "../wait-until.ts";
import type { BenchKartad } from "./bench-kartad.ts";

/** A kartad that keeps spares begins one as soon as it has a project. */
const FIRST_SPARE_MS = 3000;
const READY_MS = 30_000;

export async function keepsSpares(kartad: BenchKartad): Promise<boolean> {
  return waitUntil(async () => (await spareStates(kartad)).length > 0, FIRST_SPARE_MS);
}

/** @throws Error when none gets ready */
export async function spareReady(kartad: BenchKartad): Promise<void> {
  const ready = await waitUntil(async () => (await spareStates(kartad)).includes("ready"), READY_MS);
  if (!ready) throw new Error("no spare process got ready");
}

async function spareStates(kartad: BenchKartad): Promise<string[]> {
  const { processes } = await kartad.status();
  return processes.flatMap(({ session_id, state }) => (session_id === null ? [state] : []));
}
