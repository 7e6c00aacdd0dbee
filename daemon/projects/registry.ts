/** Registered projects: their names, their folders as last read, and whether they can take turns. */
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import type { AppWorkerStatus } from "../../shared/protocol/apps.ts";
import type {
  AddProjectResult,
  HarnessType,
  Project,
  ProjectReport,
} from "../../shared/protocol/projects.ts";
import { maskShapes } from "../../shared/secret-shapes.ts";
import { ProjectNameSchema } from "../../shared/protocol/sessions.ts";
import type { LoadedApp } from "../apps/apps.ts";
import { NO_APP, type EntryPointCheck } from "../apps/protocol.ts";
import type { HarnessBinary, ProgramOwner } from "../harness/harness.ts";
import type { OfflineScript } from "../offline-model/script.ts";
import type { ProjectRepository } from "../store/projects.ts";
import type { ProjectDefinition, ReadProjectResult } from "./definition.ts";
import { summaryOf } from "./findings.ts";
import { programWarnings } from "./harness-warnings.ts";
import { loadedApp } from "./loaded-app.ts";
import { deriveProjectName } from "./project-name.ts";
import type { RegisteredProject } from "./registered-project.ts";
import { halfRemoved, notRemoved } from "./removal.ts";
import { projectView, reportView } from "./view.ts";

export interface RegistryOptions {
  readonly store: ProjectRepository;
  readonly stateHome: string;
  readonly logger: Logger;
  readonly now: () => number;
  /** Frees a text of the secrets that kartad knows; left out: of what looks like one. */
  readonly mask?: (text: string) => string;
  readonly read: (folder: string) => Promise<ReadProjectResult>;
  /** Null: the project names none. */
  readonly checkEntryPoint: (definition: ProjectDefinition, home: string) => Promise<EntryPointCheck | null>;
  /** The program that would run it. */
  readonly harnessProgram: (type: HarnessType, project: ProgramOwner) => Promise<HarnessBinary>;
  /** The project's scripted replies changed; null: the default reply alone. Called for every project, offline or not. */
  readonly onScript: (project: string, script: OfflineScript | null) => void;
  /** A project's code was loaded: from now on this is its app; null: nothing of it would ever be called. Must not throw. */
  readonly onApp: (project: string, app: LoadedApp | null) => void;
  /** Null: nothing runs its code. */
  readonly workerOf: (project: string) => AppWorkerStatus | null;
  /** A project can take turns, with its folder as it is now: get ready for its first session. Must not throw. */
  readonly onReady: (project: string) => void;
  /** Before a project is forgotten: its turns and processes end, its private workspaces go. */
  readonly onRemove: (project: string) => Promise<void>;
  /** Sessions of each project that are not archived. */
  readonly countSessions: () => Promise<Map<string, number>>;
}

/** Owner: the composition root. */
export class ProjectRegistry {
  readonly #options: RegistryOptions;
  readonly #log: Logger;
  readonly #projects = new Map<string, RegisteredProject>();
  /** Registrations one at a time: two adds of one name must not both succeed. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#log = options.logger.child({ part: "projects" });
  }

  /**
   * Reads every registered folder; checks every entry point without making the start wait for it. The folders come
   * first: a session that is made before its folder is read would get another harness, and other limits, than it declares.
   */
  async start(): Promise<void> {
    for (const row of await this.#options.store.list()) {
      const project: RegisteredProject = {
        row,
        definition: null,
        health: { state: "checking" },
        app: NO_APP,
        checked: Promise.resolve(),
      };
      this.#projects.set(row.name, project);
    }
    await Promise.all(this.all.map((project) => this.#readAgain(project)));
    let previous: Promise<void> = Promise.resolve();
    for (const project of this.all)
      project.checked = previous = previous.then(() => this.#checkAgain(project)); // a start is busy enough
  }

  find(name: string): RegisteredProject | null {
    return this.#projects.get(name) ?? null;
  }

  get all(): readonly RegisteredProject[] {
    return [...this.#projects.values()];
  }

  /** @throws KartaError `no_project`, `project_required` */
  findDefault(): RegisteredProject {
    const all = this.all;
    const chosen = all.find(({ row }) => row.is_default === 1) ?? (all.length === 1 ? all[0] : undefined);
    if (chosen) return chosen;
    if (all.length === 0) {
      throw new KartaError(
        "no_project",
        "no project is registered; add one with `karta project add DIR NAME`",
      );
    }
    const names = all.map(({ row }) => row.name);
    throw new KartaError(
      "project_required",
      `name a project: ${names.join(", ")}; or choose a default with \`karta project default NAME\``,
      { fields: { projects: names } },
    );
  }

  async list(): Promise<Project[]> {
    const sessions = await this.#options.countSessions();
    return this.all.map((project) => this.#view(project, sessions));
  }

  /** @throws KartaError `not_found` */
  async get(name: string): Promise<Project> {
    const project = this.#require(name);
    return this.#view(project, await this.#options.countSessions());
  }

  /**
   * Validates a folder and registers nothing.
   * @throws KartaError `invalid_project`, `entry_point_failed`, `harness_unavailable`
   */
  async check(folder: string, name: string | undefined): Promise<ProjectReport> {
    return (await this.#examine(folder, name)).report;
  }

  /**
   * Validates a folder and registers it. The same folder under the same name again is read again, and nothing else.
   * @throws KartaError `invalid_project`, `entry_point_failed`, `project_name_taken`; then nothing is registered
   */
  add(folder: string, name: string | undefined): Promise<AddProjectResult> {
    return this.#inTurn(async () => {
      const { report, definition, loaded } = await this.#examine(folder, name);
      const chosen = ProjectNameSchema.parse(report.project.name);
      const existing = this.#projects.get(chosen);
      if (existing && existing.row.path !== definition.root) {
        throw new KartaError(
          "project_name_taken",
          `"${chosen}" is registered already, for ${existing.row.path}; choose another name, or run \`karta project remove ${chosen}\``,
          { issues: [{ path: "name", message: `expected a name that is free, found "${chosen}"` }] },
        );
      }
      const row = existing?.row ?? {
        name: chosen,
        path: definition.root,
        created_at: this.#options.now(),
        is_default: 0,
      };
      if (!existing) await this.#options.store.insert(row);
      this.#projects.set(chosen, {
        row,
        definition,
        health: { state: "ready" },
        app: loaded?.description ?? NO_APP,
        checked: Promise.resolve(),
      });
      this.#options.onApp(chosen, loaded);
      this.#options.onScript(chosen, definition.offlineScript);
      this.#options.onReady(chosen);
      this.#log.info(
        { project: chosen, path: definition.root },
        existing ? "project read again" : "project added",
      );
      return { project: await this.get(chosen), created: !existing, warnings: report.warnings };
    });
  }

  /**
   * Forgets a project and archives its sessions. Its folder is left alone. One that could not be removed whole stays
   * registered without taking turns, and is removed by the next try; a restart, or adding it again, makes it whole.
   * @throws KartaError `not_found`, and what stood in the way
   */
  remove(name: string): Promise<number> {
    return this.#inTurn(async () => {
      const project = this.#require(name);
      this.#projects.delete(name); // first: from here on nothing new can begin in it
      try {
        await this.#options.onRemove(name);
        await rm(this.#appFolder(name), { recursive: true, force: true, maxRetries: 3 });
        const archived = await this.#options.store.remove(name, this.#options.now());
        this.#log.info({ project: name, sessions: archived }, "project removed");
        return archived;
      } catch (error) {
        this.#projects.set(name, halfRemoved(project));
        throw notRemoved(name, error);
      }
    });
  }

  /** @throws KartaError `not_found` */
  setDefault(name: string): Promise<Project> {
    return this.#inTurn(async () => {
      this.#require(name);
      await this.#options.store.setDefault(name);
      for (const project of this.#projects.values()) {
        project.row.is_default = project.row.name === name ? 1 : 0;
      }
      return this.get(name);
    });
  }

  #view(project: RegisteredProject, sessions: ReadonlyMap<string, number>): Project {
    const { name } = project.row;
    return projectView(project, {
      sessions: sessions.get(name) ?? 0,
      worker: this.#options.workerOf(name),
    });
  }

  #require(name: string): RegisteredProject {
    const project = this.#projects.get(name);
    if (project) return project;
    const known = [...this.#projects.keys()];
    throw new KartaError(
      "not_found",
      `no project is registered as "${name}"; ${known.length > 0 ? `there are: ${known.join(", ")}` : "add one with `karta project add DIR NAME`"}`,
    );
  }

  async #readAgain(project: RegisteredProject): Promise<void> {
    try {
      const { definition } = await this.#options.read(project.row.path);
      project.definition = definition;
      this.#options.onScript(project.row.name, definition.offlineScript);
    } catch (error) {
      this.#failed(project, error);
    }
  }

  async #checkAgain(project: RegisteredProject): Promise<void> {
    const { definition } = project;
    if (definition === null) return; // it could not be read, and says so
    const { name } = project.row;
    try {
      const loaded = await this.#loadApp(name, definition);
      if (this.#projects.get(name) !== project) return; // removed, or read anew, meanwhile
      project.app = loaded?.description ?? NO_APP;
      this.#options.onApp(name, loaded);
      project.health = { state: "ready" };
    } catch (error) {
      this.#failed(project, error);
    }
  }

  #failed(project: RegisteredProject, error: unknown): void {
    const { name } = project.row;
    const { mask = maskShapes } = this.#options;
    const detail =
      error instanceof KartaError ? mask(summaryOf(error)) : "it could not be read; see `karta logs`";
    project.health = { state: "failed", detail };
    this.#log.error({ err: error, project: name }, `project ${name} cannot take turns: ${detail}`);
  }

  async #examine(
    folder: string,
    name: string | undefined,
  ): Promise<{ report: ProjectReport; definition: ProjectDefinition; loaded: LoadedApp | null }> {
    const { definition, warnings } = await this.#options.read(folder);
    const chosen = name ?? deriveProjectName(definition.manifest, definition.root);
    const binary = await this.#options.harnessProgram(definition.harness, {
      command: definition.manifest.harness.command,
      folder: definition.root,
      sandbox: definition.manifest.runtime.sandbox,
    });
    const loaded = await this.#loadApp(chosen, definition);
    const app = loaded?.description ?? NO_APP;
    const { mask = maskShapes } = this.#options;
    const allWarnings = [...warnings, ...programWarnings(definition, binary)].map((warning) => ({
      path: warning.path,
      message: mask(warning.message),
    }));
    return { report: reportView(chosen, definition, app, binary, allWarnings), definition, loaded };
  }

  /** As `loadedApp`. */
  async #loadApp(name: string, definition: ProjectDefinition): Promise<LoadedApp | null> {
    const home = path.join(this.#appFolder(name), "home");
    await mkdir(home, { recursive: true, mode: 0o700 });
    return loadedApp(definition, await this.#options.checkEntryPoint(definition, home));
  }

  /** What is kept for a project's own code: its HOME. */
  #appFolder(name: string): string {
    return path.join(this.#options.stateHome, "apps", ProjectNameSchema.parse(name));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
