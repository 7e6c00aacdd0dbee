/** What a session's turns need of the rest of the daemon; built once by the composition root. */
import type { Logger } from "pino";
import type { EventLog } from "../events/log.ts";
import type { Harness, LaunchSpec, ToolCall, ToolResult } from "../harness/harness.ts";
import type { Pool } from "../pool/pool.ts";
import type { EventRepository } from "../store/events.ts";
import type { ParticipantRepository } from "../store/participants.ts";
import type { SessionRepository } from "../store/sessions.ts";
import type { TurnRepository } from "../store/turns.ts";
import type { AppEvent, AppSession, InboundMessage } from "./app-events.ts";

/** What an app's policies say of a message. `failed`: they could not be asked, which is no yes. */
export type Admission =
  /** With the text that goes on: a policy may have rewritten it. */
  | { readonly kind: "allow"; readonly text: string }
  /** `message` is for the sender. */
  | { readonly kind: "refuse"; readonly message: string }
  | { readonly kind: "failed" };

/** A call of one of the app's tools, and who makes it. */
export interface AppToolCall extends ToolCall {
  readonly session: AppSession;
  readonly turnId: string;
}

/** A project's own code around its agent. Nothing here rejects, and all of it is over within a bound. */
export interface SessionApp {
  /** False: `admit` would allow everything, and need not be asked. */
  readonly hasPolicies: boolean;
  admit(message: InboundMessage): Promise<Admission>;
  /** Returns at once; whatever the app's hooks do, nothing waits for them. */
  notify(event: AppEvent): void;
  callTool(call: AppToolCall): Promise<ToolResult>;
}

/** A project as a session sees it. */
export interface SessionProject {
  readonly name: string;
  readonly version: string;
  /** Names of its agents, `default` not among them. */
  readonly agents: readonly string[];
  readonly permissionMode: "interactive" | "autonomous";
  readonly turnTimeoutMs: number;
  /** How long people have to answer an approval; then it is denied. */
  readonly approvalTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxProcesses: number;
  /** Processes kept ready for new sessions. */
  readonly spares: number;
  readonly harness: Harness;
  /** @throws KartaError `harness_unavailable` when it can't take a turn now, saying what to do */
  requireReady(): void;
  /**
   * Waits for a check that is under way. Null: the project has no code that is ever called. Asked each time: a folder
   * that is read anew has another app.
   * @throws KartaError `not_found` when the project is no longer registered
   */
  app(): Promise<SessionApp | null>;
  /** What new sessions of this agent are started with; null where each has a workspace of its own, or it can't start. */
  commonLaunch(agent: string): Promise<LaunchSpec | null>;
  /** Waits for a check that is under way and says what to start. */
  launch(sessionId: string, agent: string): Promise<LaunchSpec>;
  /** Makes ready the folders that a process of the session is to run in. @throws KartaError as `Workspaces.prepare` */
  prepareWorkspace(sessionId: string): Promise<void>;
  /**
   * Puts a file that a user sent into the folder that the session's agent works in.
   * @returns its path, relative to that folder
   * @throws KartaError as `prepareWorkspace`; `uploads_full`, `storage_unavailable`
   */
  putFile(sessionId: string, name: string, content: Buffer): Promise<string>;
}

export interface SessionProjects {
  /** Null: not registered (any more). */
  find(name: string): SessionProject | null;
  /** The default project, or the only one. @throws KartaError `no_project`, `project_required` */
  findDefault(): SessionProject;
  /** A session's private workspace is no longer needed. */
  discardWorkspace(project: string, sessionId: string): Promise<void>;
}

export interface SessionRuntime {
  readonly sessions: SessionRepository;
  readonly turns: TurnRepository;
  readonly participants: ParticipantRepository;
  readonly events: EventRepository;
  readonly log: EventLog;
  readonly pool: Pool;
  readonly projects: SessionProjects;
  readonly logger: Logger;
  /** Frees a text of the secrets that kartad knows; left out: of what looks like one. */
  readonly mask?: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How long an agent may take to end a turn it was asked to end; ten seconds if not given. */
  readonly cancelGraceMs?: number;
}

/** How the folder's own instructions are named as an agent. */
export const DEFAULT_AGENT = "default";
