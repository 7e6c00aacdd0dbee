/**
 * Where a session's harness runs (spec: karta-toml, `runtime.workspace` and `environment.setup`):
 *
 *     <stateHome>/workspaces/<project>/shared/home           `shared`: the folder itself, and one HOME
 *     <stateHome>/workspaces/<project>/<session>/{files,home} `session`: a private copy and a HOME for each session
 *
 * and beside each home, `setup.json`: which setup script has succeeded there.
 */
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Logger } from "pino";
import { z } from "zod";
import { KartaError } from "../../shared/errors.ts";
import { childEnvironment, type Environment } from "../apps/child-environment.ts";
import { ownPlaces } from "../process/sandbox.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import { copyFolder } from "./copy-folder.ts";
import type { ProjectDefinition } from "./definition.ts";
import { hasCode, isAbsent, isInside, reason } from "./folder-files.ts";
import { findSetupScript, runSetupScript } from "./setup-script.ts";

export interface WorkspacesOptions {
  readonly stateHome: string;
  readonly spawner: Pick<ProcessSpawner, "spawn">;
  readonly logger: Logger;
  /** The daemon's environment; a setup script gets PATH, LANG, LC_ALL and TMPDIR of it. */
  readonly baseEnv: Environment;
  /** How long a setup script may take; 10 minutes when left out. */
  readonly setupTimeoutMs?: number;
}

export interface WorkspaceProject {
  readonly name: string;
  readonly definition: ProjectDefinition;
}

export interface Workspace {
  readonly cwd: string;
  readonly home: string;
}

const SETUP_TIMEOUT_MS = 10 * 60 * 1000;

const MarkerSchema = z.object({ root: z.string(), setup_sha256: z.string().nullable() });
type Marker = z.infer<typeof MarkerSchema>;

/** A preparation under way. */
interface Preparation {
  readonly done: Promise<Workspace>;
  readonly abort: AbortController;
}

/** Owner: the composition root. What it makes lives until `discard` or `discardProject`, across restarts of kartad. */
export class Workspaces {
  readonly #options: WorkspacesOptions;
  readonly #log: Logger;
  readonly #folder: string;
  /** By the workspace's folder: callers that come meanwhile share it. */
  readonly #preparing = new Map<string, Preparation>();

  constructor(options: WorkspacesOptions) {
    this.#options = options;
    this.#log = options.logger.child({ part: "workspaces" });
    this.#folder = path.join(options.stateHome, "workspaces");
  }

  /**
   * Makes the session's workspace ready: the copy, if it has one; its HOME; the setup script, once. Quick when that was
   * done before.
   * @throws KartaError `harness_unavailable` (the folder is gone or cannot be copied; the setup script failed),
   * `storage_unavailable` (the disk is full)
   */
  prepare(project: WorkspaceProject, sessionId: string): Promise<Workspace> {
    const { folder } = this.#folderOf(project, sessionId);
    const underway = this.#preparing.get(folder);
    if (underway !== undefined) return underway.done;

    const abort = new AbortController();
    const done = this.#prepare(project, folder, this.of(project, sessionId), abort.signal)
      .catch((error: unknown) => {
        throw asKartaError(error, project);
      })
      .finally(() => this.#preparing.delete(folder));
    this.#preparing.set(folder, { done, abort });
    return done;
  }

  /** Where the session's workspace lies, whether it is ready or not. */
  of(project: WorkspaceProject, sessionId: string): Workspace {
    const { folder, isPrivate } = this.#folderOf(project, sessionId);
    return {
      cwd: isPrivate ? path.join(folder, "files") : project.definition.root,
      home: path.join(folder, "home"),
    };
  }

  /** Removes a session's private copy and HOME, if it has one; ends a setup script that is running for it. */
  async discard(projectName: string, sessionId: string): Promise<void> {
    await this.#remove(this.#path(projectName, sessionId));
  }

  /** Removes everything kept for a project. Its own folder is left alone. */
  async discardProject(projectName: string): Promise<void> {
    await this.#remove(this.#path(projectName));
  }

  async #prepare(
    { name, definition }: WorkspaceProject,
    folder: string,
    place: Workspace,
    signal: AbortSignal,
  ): Promise<Workspace> {
    const { root, manifest, boundEnv } = definition;
    const { cwd, home } = place;
    const isPrivate = cwd !== root; // a private copy lies elsewhere
    await mkdir(home, { recursive: true, mode: 0o700 });
    await chmod(home, 0o700); // whatever the umask was when it was made
    if (!isPrivate) await stat(root); // a folder that is gone is told here, not as a program that does not start
    if (isPrivate) await this.#copy(name, root, folder, cwd);

    const marker = await readMarker(folder);
    // A private copy is set up once: its script is the agent's to edit. A shared folder's is the developer's, and runs
    // again when it has changed, or when the name was given to another folder.
    if (isPrivate && marker !== null) return { cwd, home };
    const script = manifest.setup === null ? null : await findSetupScript(cwd, manifest.setup);
    const wanted: Marker = { root, setup_sha256: script?.hash ?? null };
    if (marker?.root === wanted.root && marker.setup_sha256 === wanted.setup_sha256) return { cwd, home };
    if (script !== null) {
      const { baseEnv, spawner, setupTimeoutMs: timeoutMs = SETUP_TIMEOUT_MS } = this.#options;
      this.#log.info({ project: name, workspace: cwd }, `running ${script.name}`);
      const env = childEnvironment({ baseEnv, home, boundEnv });
      const sandbox = manifest.runtime.sandbox ? ownPlaces({ cwd, home }) : undefined;
      await runSetupScript({ script, cwd, env, boundEnv, spawner, sandbox, timeoutMs, signal });
    }
    signal.throwIfAborted();
    await writeMarker(folder, wanted);
    return { cwd, home };
  }

  /** Makes the private copy, if it is not there. */
  async #copy(name: string, root: string, folder: string, files: string): Promise<void> {
    if (await exists(files)) return;
    if (isInside(root, folder)) {
      throw new KartaError(
        "harness_unavailable",
        `project ${name} cannot be copied for a session: Karta's state (${this.#options.stateHome}) lies in its folder; set KARTA_HOME to another place`,
      );
    }
    const leftOut = await copyFolder(root, files);
    if (leftOut.length > 0) {
      this.#log.warn(
        { project: name, left_out: leftOut.slice(0, 20), count: leftOut.length },
        "not copied: links that leave the folder, sockets, pipes and devices",
      );
    }
  }

  #folderOf(project: WorkspaceProject, sessionId: string): { folder: string; isPrivate: boolean } {
    const isPrivate = project.definition.manifest.runtime.workspace === "session";
    return { folder: this.#path(project.name, isPrivate ? sessionId : "shared"), isPrivate };
  }

  async #remove(folder: string): Promise<void> {
    const underway = [...this.#preparing].filter(([prepared]) => isInside(folder, prepared));
    for (const [, { abort }] of underway) abort.abort();
    await Promise.allSettled(underway.map(([, { done }]) => done));
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Names come from validated places, but a path that is removed recursively is worth a second look. */
  #path(...names: readonly string[]): string {
    const odd = names.find((name) => !/^[a-z0-9][a-z0-9_-]*$/.test(name));
    if (odd !== undefined) throw new Error(`not a workspace's name: ${JSON.stringify(odd)}`);
    return path.join(this.#folder, ...names);
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (error: unknown) => {
      if (isAbsent(error)) return false;
      throw error;
    },
  );
}

async function readMarker(folder: string): Promise<Marker | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path.join(folder, "setup.json"), "utf8"));
    return MarkerSchema.safeParse(value).data ?? null;
  } catch {
    return null; // none yet, or not readable: setting up again is the safe side
  }
}

async function writeMarker(folder: string, marker: Marker): Promise<void> {
  const file = path.join(folder, "setup.json");
  const unfinished = `${file}.unfinished`; // one preparation of a folder at a time: the next one writes over what a crash left
  await writeFile(unfinished, JSON.stringify(marker), { mode: 0o600 });
  await rename(unfinished, file);
}

function asKartaError(error: unknown, { name, definition }: WorkspaceProject): KartaError {
  if (error instanceof KartaError) return error;
  if (hasCode(error) && error.code === "ENOSPC") {
    return new KartaError(
      "storage_unavailable",
      `no workspace could be made for project ${name}: the disk is full`,
      {
        cause: error,
      },
    );
  }
  return new KartaError(
    "harness_unavailable",
    `no workspace could be made for project ${name} from ${definition.root}: ${reason(error)}`,
    { cause: error },
  );
}
