/** The projects that have code of their own, each with its app as it was last read. */
import type { Logger } from "pino";
import type { GroupMemory } from "../process/memory.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import type { AppCommand } from "./app-command.ts";
import { APP_LIMITS, type AppLimits } from "./app-limits.ts";
import { AppTally } from "./app-tally.ts";
import { AppWorker } from "./app-worker.ts";
import { ProjectApp } from "./project-app.ts";
import type { AppDescription } from "./protocol.ts";
import type { AppContext } from "./worker-protocol.ts";

/** An app that its check has loaded. */
export interface LoadedApp {
  readonly description: AppDescription;
  readonly worker: AppCommand;
  readonly context: AppContext;
  readonly secrets: Readonly<Record<string, string>>;
}

export interface AppsOptions {
  readonly spawner: Pick<ProcessSpawner, "spawn">;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds of a clock that only goes forward. */
  readonly elapsed: () => number;
  /** What a worker may hold, as an agent may; no limit when left out. */
  readonly memory?: Pick<GroupMemory, "of">;
  readonly maxProcessBytes?: number;
  /** `APP_LIMITS` when left out. */
  readonly limits?: AppLimits;
}

/**
 * One worker a project: `dev` is every project's only version until there are releases; then the version is part of the
 * key. Owner: the composition root.
 */
export class Apps {
  readonly #options: AppsOptions;
  readonly #apps = new Map<string, ProjectApp>();
  readonly #tallies = new Map<string, AppTally>();
  /** Workers of apps that were replaced or removed. */
  readonly #leaving = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: AppsOptions) {
    this.#options = options;
  }

  /** The project was read: from now on this is its app. Null: it has no code that is ever called. The old one drains. */
  use(project: string, loaded: LoadedApp | null): void {
    void this.#retire(project);
    if (loaded === null || this.#isStopped) return;
    const { spawner, now, elapsed, memory, maxProcessBytes, limits = APP_LIMITS } = this.#options;
    const logger = this.#options.logger.child({ part: "app", project });
    const { description, worker: command, context, secrets } = loaded;
    const tally = this.#tallies.get(project) ?? new AppTally(now);
    this.#tallies.set(project, tally);
    const common = { secrets, logger, limits, tally };
    const clock = { now: elapsed };
    const worker = new AppWorker({ ...common, command, context, spawner, memory, maxProcessBytes, ...clock });
    this.#apps.set(project, new ProjectApp({ ...common, description, worker }));
  }

  /** By the projects' names. */
  get all(): readonly (readonly [project: string, app: ProjectApp])[] {
    return [...this.#apps];
  }

  /** Null: the project has no code that is ever called. */
  find(project: string): ProjectApp | null {
    return this.#apps.get(project) ?? null;
  }

  /** Resolves when nothing of the app is left: its running calls finish first, within a deadline. */
  async remove(project: string): Promise<void> {
    this.#tallies.delete(project);
    await this.#retire(project);
  }

  /** The same for good: no app starts any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#apps.keys()].map((project) => this.remove(project)));
    await Promise.all(this.#leaving);
  }

  async #retire(project: string): Promise<void> {
    const app = this.#apps.get(project);
    if (app === undefined) return;
    this.#apps.delete(project);
    const leaving = app.stop().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    await leaving;
  }
}
