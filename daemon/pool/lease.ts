/** What a session asks of the pool, and what it gets. */
import type { AgentProcess, Thread } from "../harness/harness.ts";
import type { LaneRequest } from "./lane.ts";

export interface CheckoutRequest extends LaneRequest {
  readonly sessionId: string;
  readonly thread: Thread;
  /** Makes ready what a new process needs; not called where one is there already. */
  readonly prepare: () => Promise<void>;
  readonly idleTimeoutMs: number;
  /** The turn is no longer wanted: a wait or a start that is under way is given up. */
  readonly signal: AbortSignal;
}

/** A session's hold on a process for one turn. `release` it once, whatever happened. */
export interface Lease {
  readonly agent: AgentProcess;
  /** @param completed false: the turn did not go well; if its process died, the lane counts it */
  release(completed: boolean): void;
}
