/** Signals to a whole process group (POSIX: the negative of the leader's pid). */

import { systemErrorCode } from "../../shared/errors.ts";

/** Sends `signal` to every process of the group. False: the group has no process left. */
function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch (error) {
    // ESRCH: nobody is left. EPERM (macOS, a group of zombies only, or a member that changed user): nothing to do for us.
    const code = systemErrorCode(error);
    if (code === "ESRCH" || code === "EPERM") return false;
    throw error;
  }
}

function groupExists(groupId: number): boolean {
  return signalGroup(groupId, 0);
}

const POLL_MS = 20;
const REAP_MS = 500;

/**
 * Ends a group: SIGTERM, up to `graceMs` to comply, SIGKILL. Resolves when the group is gone; there is no event for
 * "a group became empty", so it is polled.
 */
export async function endGroup(groupId: number, graceMs: number): Promise<void> {
  if (!signalGroup(groupId, "SIGTERM")) return;
  const deadline = performance.now() + graceMs;
  while (groupExists(groupId)) {
    if (performance.now() >= deadline) {
      signalGroup(groupId, "SIGKILL");
      break;
    }
    await delay(POLL_MS);
  }
  // After SIGKILL only zombies can be left, which count as members until their parent (init, for orphans) reaps them.
  for (let waited = 0; groupExists(groupId) && waited < REAP_MS; waited += POLL_MS) await delay(POLL_MS);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
