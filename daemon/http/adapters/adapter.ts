/**
 * What the adapters share. An adapter lets clients of another API talk to projects: each of its requests becomes a turn of
 * a session, and what comes back is read off the same events. There is no second way to run a turn.
 */
import type { Request, Router } from "express";
import type { Logger } from "pino";
import type { FamilyKind } from "../../../shared/protocol/adapters/routes.ts";
import type { EventSource } from "../../events/watcher.ts";
import type { Conversations } from "../../sessions/conversations.ts";
import type { Scope } from "../../sessions/scope.ts";
import type { SessionService } from "../../sessions/service.ts";
import type { ToAnswer } from "../error-boundary.ts";
import type { ResponseStore } from "./responses/stored-response.ts";

/** A project as a model. */
export interface ServedProject {
  readonly name: string;
  readonly version: string;
  /** Names of its agents, `default` not among them. */
  readonly agents: readonly string[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface ServedProjects {
  list(): readonly ServedProject[];
  find(name: string): ServedProject | null;
  /** The default project, or the only one. @throws KartaError `no_project`, `project_required` */
  findDefault(): ServedProject;
}

/** Work on one session, one after the other: what is looked up before a message is sent still holds when it is. */
export interface SessionOrder {
  run<T>(sessionId: string, work: () => Promise<T>): Promise<T>;
}

export interface AdapterOptions {
  readonly sessions: SessionService;
  /** One session's events, to watch or to page through. */
  readonly eventsOf: (sessionId: string) => EventSource;
  /** Which sessions a request may reach. @throws KartaError `not_found` for a project that is not there */
  readonly scopeOf: (request: Request) => Scope;
  readonly served: ServedProjects;
  readonly conversations: Conversations;
  readonly responses: ResponseStore;
  /** The same for all families and planes. */
  readonly sessionOrder: SessionOrder;
  readonly logger: Logger;
}

export interface Adapter {
  readonly families: readonly FamilyKind[];
  /** Its paths, relative to a family's base: every error there has this API's form, a guard's too. */
  readonly owns: (path: string) => boolean;
  readonly toAnswer: ToAnswer;
  /** Made once a family. Errors are thrown. */
  readonly router: (options: AdapterOptions) => Router;
}
