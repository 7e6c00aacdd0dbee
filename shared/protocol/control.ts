/**
 * The operator's plane: what `karta` asks of kartad over the Unix socket (spec: cli). The public session routes are
 * served on the same socket under `/v1`, with the operator's rights.
 */
import { z } from "zod";
import { AppWorkerSchema } from "./apps.ts";
import { DoctorReportSchema } from "./doctor.ts";
import { keyRoutes } from "./keys.ts";
import { LogsQuerySchema, LogsSchema } from "./logs.ts";
import { AddProjectResultSchema, AddProjectSchema, ProjectReportSchema, ProjectSchema } from "./projects.ts";
import { route } from "./route.ts";
import { SessionEventSchema } from "../events.ts";
import { NoQuerySchema, NothingSchema } from "./sessions.ts";

/** The daemon's version travels on every answer of the socket, so that a CLI of another version can say so. */
export const VERSION_HEADER = "karta-version";

/** systemd's manager of a user or of the system, or launchd. */
export const ServiceSchema = z.enum(["user", "system", "launchd"]);
export type Service = z.infer<typeof ServiceSchema>;

export const StatusSchema = z.object({
  version: z.string(),
  pid: z.int(),
  started_at: z.string(),
  uptime_seconds: z.number(),
  /** The public plane's base URL. */
  url: z.string(),
  state_home: z.string(),
  /** True: replies are scripted by the offline model. */
  offline: z.boolean(),
  /** What keeps kartad running; null: nobody does. */
  service: ServiceSchema.nullish(),
  projects: z.int(),
  sessions: z.object({ active: z.int(), with_process: z.int(), running_turns: z.int() }),
  processes: z.array(
    z.object({
      id: z.string(),
      pid: z.int().nullable(),
      state: z.string(),
      project: z.string(),
      session_id: z.string().nullable(),
      age_seconds: z.number(),
      turns: z.int(),
      /** What it and its children hold; null where the system does not tell. */
      rss_bytes: z.int().nullable(),
    }),
  ),
  pool: z.object({
    max_processes: z.int(),
    /** Turns that wait for a process. */
    waiting: z.int(),
    warm_starts: z.int(),
    cold_starts: z.int(),
    evictions: z.int(),
    crashes: z.int(),
    /** Processes that were ended for the memory they held. */
    oversized: z.int(),
    /** Launch options whose starts failed, and when the next may be tried. */
    backing_off: z.array(z.object({ project: z.string(), failures: z.int(), retry_in_seconds: z.number() })),
  }),
  /** Projects whose own code has a worker. */
  apps: z.array(AppWorkerSchema.extend({ project: z.string() })),
  memory: z.object({ rss_bytes: z.int(), heap_used_bytes: z.int() }),
});
export type Status = z.infer<typeof StatusSchema>;

/** What a backup holds that was taken in. */
export const RestoredSchema = z.object({
  projects: z.int(),
  sessions: z.int(),
  events: z.int(),
  /** Steps by which its schema was brought up to date. */
  migrated: z.int(),
});
export type Restored = z.infer<typeof RestoredSchema>;

/** What `kartad --restore` did. */
export const RestoreReportSchema = RestoredSchema.extend({
  /** The folder that has the old store; null: there was none. */
  kept: z.string().nullable(),
});

/** What `kartad --repair` found and did. */
export const RepairReportSchema = z.object({
  state: z.enum(["absent", "whole", "set_aside"]),
  problems: z.array(z.string()),
  /** The folder that has the damaged store. */
  kept: z.string().nullable(),
});
export type RepairReport = z.infer<typeof RepairReportSchema>;

/** What a store travels as. */
export const STORE_TYPE = "application/vnd.sqlite3";

export const TAIL_PATH = "/control/v1/tail";
/** On the handshake of a tail: where it begins, so that one that saw no event yet can go on without a gap. */
export const CURSOR_HEADER = "karta-cursor";

export const TailQuerySchema = z.object({
  session: z.string().optional(),
  project: z.string().optional(),
  /** Where an earlier tail was: the `cursor` of its last item, or of its handshake. It then misses and repeats nothing. */
  cursor: z.coerce.number().int().nonnegative().optional(),
  /** Without a cursor: replay each session's events after this seq. Neither: from now on. */
  after: z.coerce.number().int().nonnegative().optional(),
});
/** One message of a tail. */
export const TailItemSchema = z.object({
  /** The daemon's own order over all sessions. */
  cursor: z.int().nonnegative(),
  project: z.string(),
  event: SessionEventSchema,
});

export const controlRoutes = {
  ...keyRoutes,
  status: route({
    method: "GET",
    path: "/control/v1/status",
    summary: "The daemon, its projects, sessions, processes and memory",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: StatusSchema,
    errors: [],
  }),
  stop: route({
    method: "POST",
    path: "/control/v1/stop",
    summary: "Drain and stop; answers before it ends",
    status: 202,
    query: NoQuerySchema,
    body: NothingSchema,
    response: z.object({ pid: z.int() }),
    errors: [],
  }),
  doctor: route({
    method: "GET",
    path: "/control/v1/doctor",
    summary:
      "Programs of harnesses, credentials (never their values), disk and address, each with what to do",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: DoctorReportSchema,
    errors: [],
  }),
  backup: route({
    method: "GET",
    path: "/control/v1/backup",
    summary: "A copy of the store as it is at one moment: an SQLite file",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: z.string(),
    errors: ["storage_unavailable"],
  }),
  restore: route({
    method: "POST",
    path: "/control/v1/restore",
    summary: "Check a backup, which is the body; it takes the store's place with the next start",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: RestoredSchema,
    errors: ["invalid_backup", "unsupported_media_type", "storage_unavailable"],
  }),
  listProjects: route({
    method: "GET",
    path: "/control/v1/projects",
    summary: "Every registered project",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: z.object({ data: z.array(ProjectSchema) }),
    errors: [],
  }),
  addProject: route({
    method: "POST",
    path: "/control/v1/projects",
    summary: "Validate a folder and register it",
    status: 200,
    query: NoQuerySchema,
    body: AddProjectSchema,
    response: AddProjectResultSchema,
    errors: ["invalid_project", "entry_point_failed", "harness_unavailable", "project_name_taken"],
  }),
  checkProject: route({
    method: "POST",
    path: "/control/v1/project-checks",
    summary: "Validate a folder and register nothing",
    status: 200,
    query: NoQuerySchema,
    body: AddProjectSchema,
    response: ProjectReportSchema,
    errors: ["invalid_project", "entry_point_failed", "harness_unavailable", "project_name_taken"],
  }),
  getProject: route({
    method: "GET",
    path: "/control/v1/projects/:name",
    summary: "One project",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: ProjectSchema,
    errors: [],
  }),
  removeProject: route({
    method: "DELETE",
    path: "/control/v1/projects/:name",
    summary: "Forget a project: its sessions are archived, its folder is left alone",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: z.object({ archived_sessions: z.int() }),
    errors: [],
  }),
  setDefaultProject: route({
    method: "PUT",
    path: "/control/v1/projects/:name/default",
    summary: "Use this project where a session names none",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: ProjectSchema,
    errors: [],
  }),
  tail: route({
    method: "GET",
    path: TAIL_PATH,
    summary: "A WebSocket of all events the operator may see, those of every session in one order",
    status: 101,
    query: TailQuerySchema,
    body: NothingSchema,
    response: TailItemSchema,
    errors: [],
  }),
  logs: route({
    method: "GET",
    path: "/control/v1/logs",
    summary: "The log file's lines, oldest first; upgrades to a WebSocket that follows",
    status: 200,
    query: LogsQuerySchema,
    body: NothingSchema,
    response: LogsSchema,
    errors: [],
  }),
} as const;
