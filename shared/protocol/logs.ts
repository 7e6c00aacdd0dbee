/** kartad's log, as the control plane and the log's own files have it: one JSON object a line. */
import { z } from "zod";

export const LogLevelSchema = z.enum(["trace", "debug", "info", "warn", "error", "fatal"]);
export type LogLevel = z.infer<typeof LogLevelSchema>;

/**
 * One structured log line. A line of a request, of a turn or of a child names it, under these names and no others;
 * further fields are its own.
 */
export const LogLineSchema = z.looseObject({
  /** pino's number: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal. */
  level: z.number(),
  /** Milliseconds since the epoch. */
  time: z.number(),
  msg: z.string().optional(),
  /** The part of kartad that says it. */
  part: z.string().optional(),
  /** As the answer's `X-Request-Id` has it: of the request itself, and of the turn that it began. */
  request_id: z.string().optional(),
  project: z.string().optional(),
  session_id: z.string().nullish(),
  turn_id: z.string().nullish(),
  /** An agent process, as `karta pool` shows it, or another child. */
  process_id: z.string().optional(),
});
export type LogLine = z.infer<typeof LogLineSchema>;

/** Lines that one read of the log may return: the newest. */
export const MOST_LOG_LINES = 5000;

/** An id, or the beginning of one, with its prefix or without. */
const idStart = z
  .string()
  .regex(/^[A-Za-z0-9_]{1,64}$/, { error: "expected an id, or the beginning of one" });

export const LogsQuerySchema = z.object({
  level: LogLevelSchema.optional(),
  project: z.string().optional(),
  session: idStart.optional(),
  turn: idStart.optional(),
  request: idStart.optional(),
  /** Milliseconds since the epoch. */
  since: z.coerce.number().int().optional(),
  /** The newest so many. */
  lines: z.coerce.number().int().min(1).max(MOST_LOG_LINES).optional(),
});
export type LogsQuery = z.output<typeof LogsQuerySchema>;

export const LogsSchema = z.object({
  data: z.array(LogLineSchema),
  /** Where older lines are, where kartad keeps only its newest: a command that reads them. Null: these are all. */
  older: z.string().nullish(),
});
