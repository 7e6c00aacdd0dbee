/** How a project's own code is doing, as the operator's plane shows it: its worker, and what its calls came to. */
import { z } from "zod";

/** Of one kind of calls. What has ended is counted since kartad's start, over workers and folders that are read anew. */
const CallsSchema = z.object({
  running: z.int().nonnegative(),
  /** For a place, or for the worker. */
  waiting: z.int().nonnegative(),
  /** A refusal by a policy is an answer, and so is a tool's own `ToolError`. */
  answered: z.int().nonnegative(),
  /** The app's code threw, or gave back what it may not. */
  failed: z.int().nonnegative(),
  timed_out: z.int().nonnegative(),
  /** Their turn had ended. */
  cancelled: z.int().nonnegative(),
  /** There was no worker, or it ended meanwhile. */
  lost: z.int().nonnegative(),
});
export type AppCalls = z.infer<typeof CallsSchema>;

export const AppWorkerSchema = z.object({
  /** `starting` imports the app, `ready` takes calls, `backing_off` waits after failures, `stopping` and `stopped` are over. */
  state: z.enum(["starting", "ready", "backing_off", "stopping", "stopped"]),
  pid: z.int().nullable(),
  /** Of the process that there is now. */
  age_seconds: z.number().nullable(),
  /** What it and its children hold; null where the system does not tell. */
  rss_bytes: z.int().nullable(),
  policies: CallsSchema,
  hooks: CallsSchema,
  tools: CallsSchema,
  /** Calls that were given up at their deadline, and whose code goes on all the same. */
  overdue: z.int().nonnegative(),
  /** Workers that were started in place of one that died, was stuck or had grown too big. */
  restarts: z.int().nonnegative(),
  /** While it backs off. */
  retry_in_seconds: z.number().nullable(),
  last_error: z.object({ at: z.string(), detail: z.string() }).nullable(),
});
export type AppWorkerStatus = z.infer<typeof AppWorkerSchema>;
