/** Clients of other APIs have no way to come back to a turn: one that leaves in the middle does not want it any more. */
import type { Response } from "express";

/**
 * Calls `cancel` once if the client closes the connection before the answer is whole; at once if it has left already.
 * `cancel` must not throw, and must be harmless when the turn has ended.
 */
export function cancelWhenGone(response: Response, cancel: () => void): void {
  if (response.closed) {
    cancel();
    return;
  }
  response.once("close", () => {
    if (!response.writableFinished) cancel();
  });
}
