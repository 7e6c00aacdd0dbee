/**
 * What kartad asks of an app's worker: JSON-RPC 2.0, one message a line, answered by python/karta/worker.py and
 * node/worker.js. Only kartad asks; the app's own prints go to the worker's standard error. `load` comes first, alone.
 */
import { z } from "zod";
import { LIMITS } from "../../shared/protocol/limits.ts";
import type { Discovered } from "../../shared/protocol/projects.ts";
import type { AppEvent, AppSession, InboundMessage } from "../sessions/app-events.ts";
import { ImportOutcomeSchema } from "./protocol.ts";

export interface WorkerParams {
  /** Imports the app. */
  readonly load: { readonly context: AppContext };
  /** Asks every policy, in their order, until one refuses. */
  readonly admit: InboundMessage;
  /** Runs one handler. */
  readonly event: { readonly handler: number; readonly event: AppEvent };
  /** Runs one tool, with arguments that are valid by its schema. */
  readonly tool: {
    readonly name: string;
    readonly arguments: unknown;
    readonly session: AppSession;
    readonly turn_id: string;
  };
  /** Gives a call up. Answered at once, whatever the call's code does: a worker that does not is stuck. */
  readonly cancel: { readonly call: number };
}
export type WorkerMethod = keyof WorkerParams;

/** What the app's folder holds, for `app.agents` and `app.skills`. */
export interface AppContext {
  readonly agents: readonly Discovered[];
  readonly skills: readonly Discovered[];
}

export const WORKER_RESULTS = {
  load: ImportOutcomeSchema,
  admit: z.discriminatedUnion("decision", [
    // A policy that rewrites has the same room as a sender.
    z.object({ decision: z.literal("allow"), text: z.string().min(1).max(LIMITS.textLength) }),
    z.object({ decision: z.literal("refuse"), policy: z.string(), message: z.string().min(1) }),
  ]),
  event: z.object({}),
  /** `is_error`: the tool said so itself, in words for the agent. */
  tool: z.object({ content: z.string(), is_error: z.boolean().optional() }),
  cancel: z.object({}),
} as const;

/** An answer. `error.message` is the app's own words, for the log; of a tool, for the agent. */
export const WorkerAnswerSchema = z.union([
  z.object({ id: z.int(), result: z.unknown() }),
  z.object({ id: z.int(), error: z.object({ code: z.int(), message: z.string() }) }),
]);
