/** What the answers of all adapters say of sending again. */
import type { Response } from "express";

/** OpenAI's and Anthropic's clients obey it whatever the status is; without it they send again after a 5xx. */
const SHOULD_RETRY = "X-Should-Retry";
export const NO_RETRY = { [SHOULD_RETRY]: "false" } as const;

/** The turn is accepted: whatever comes now, sending again would run another. */
export function markAccepted(response: Response): void {
  response.setHeader(SHOULD_RETRY, "false");
}
