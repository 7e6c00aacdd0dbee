/**
 * A sandbox for a child and all that it starts: bubblewrap, which shows it the machine's files without leave to write,
 * no process but its own, and not kartad's state, its socket or the operator's credentials. The network is the machine's.
 * Only on Linux; where it cannot be made, nothing is started in its place.
 */
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { packageRoot } from "../../shared/paths.ts";

/** What stands at a place in the sandbox; of two places, what is said of the inner one counts there. */
export interface SandboxPlace {
  /** Absolute. One that is not there when the child is started is left out. */
  readonly path: string;
  /** `scratch`: an empty folder of the child's own, gone with it. `hidden`: an empty folder or file. */
  readonly access: "read" | "write" | "scratch" | "hidden";
}

/** What a child of a project may write to, and so all that it keeps: not the files that say whether it has a sandbox, and what it may do. */
export function ownPlaces(child: { readonly cwd: string; readonly home: string }): readonly SandboxPlace[] {
  return [
    { path: child.cwd, access: "write" },
    ...["karta.toml", "karta.jsonc"].map((name) => ({
      path: path.join(child.cwd, name),
      access: "read" as const,
    })),
    { path: child.home, access: "write" },
  ];
}

export type SandboxState =
  | { readonly kind: "available"; readonly program: string; readonly version: string }
  /** `detail`: what is missing. `fix`: what to do. */
  | { readonly kind: "unavailable"; readonly detail: string; readonly fix: string };

export interface SandboxOptions {
  /** Where bubblewrap is looked for: kartad's own PATH. */
  readonly searchPath: string;
  readonly platform: NodeJS.Platform;
  /** What no child may see, unless a place inside it says so. */
  readonly hidden: readonly string[];
}

interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

const PROBE_TIMEOUT_MS = 5000;

/** Sockets of other programs lie in these, and a program that is asked over its socket does what the sandbox does not allow. */
const SCRATCH = ["/tmp", "/var/tmp"];
const HIDDEN = ["/run", "/var/run"];
/** Of what is hidden: without them names are not resolved, and programs of NixOS not found. */
const NEEDED = ["/run/systemd/resolve", "/run/resolvconf", "/run/current-system", "/run/opengl-driver"];

/** No capabilities, no way to more rights (bubblewrap sees to it), no signals to others, no shared memory with them. */
const ISOLATION = [
  ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL"],
  ...["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"],
];

/** Owner: the composition root. */
export class Sandbox {
  readonly #options: SandboxOptions;
  #state: SandboxState | null = null;
  #alsoHidden: () => readonly string[] = () => [];

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  /** @param places more that no child may see; asked for with each child */
  hideAlso(places: () => readonly string[]): void {
    this.#alsoHidden = places;
  }

  /** Makes a sandbox and leaves it again, unless that was done before and the program is still there. Never rejects. */
  async probe(): Promise<SandboxState> {
    if (this.#state?.kind === "available" && isProgram(this.#state.program)) return this.#state;
    this.#state = await this.#look();
    return this.#state;
  }

  /** What is known to stand in the way now, with what to do; null: nothing is. Cheap: no child is started. */
  problem(): string | null {
    if (this.#state === null) return null; // the child itself will tell
    if (this.#state.kind === "unavailable") return `${this.#state.detail}; ${this.#state.fix}`;
    return isProgram(this.#state.program) ? null : `${this.#state.program} is gone; ${INSTALL}`;
  }

  /**
   * The command that runs another in a sandbox.
   * @param scratch an empty folder of the child's own
   * @param makeFolder makes one in it
   * @returns null: there is no sandbox
   */
  wrap(
    { command, args, cwd }: Command & { readonly cwd: string },
    places: readonly SandboxPlace[],
    makeFolder: (name: string) => string,
  ): Command | null {
    const program = findBubblewrap(this.#options);
    if (program === null) return null;
    const arranged = arrange([
      ...HIDDEN.map((place) => ({ path: place, access: "hidden" as const })),
      ...NEEDED.map((place) => ({ path: place, access: "read" as const })),
      ...[...this.#options.hidden, ...this.#alsoHidden()].map((place) => ({
        path: place,
        access: "hidden" as const,
      })),
      ...SCRATCH.map((place) => ({ path: place, access: "scratch" as const })),
      ...places,
    ]);
    // Karta's own files are read-only also where they lie in the project's folder; of the rest, what is hidden is shown.
    const programs = [path.dirname(process.execPath), path.dirname(command)].filter(
      (folder) => path.isAbsolute(folder) && isOutOfSight(arranged, folder),
    );
    const shown = [packageRoot(), ...programs].map((folder) => ({ path: folder, access: "read" as const }));
    const all = arrange([...shown, ...arranged]);
    const mounts = all.flatMap((place, index) => mountOf(place, () => makeFolder(`place-${index}`)));
    const closed = all.flatMap(({ path: place, access }) =>
      access === "hidden" && isFolder(place) ? ["--remount-ro", place] : [],
    );
    return {
      command: program,
      args: [...ISOLATION, ...mounts, ...closed, "--chdir", cwd, "--", command, ...args],
    };
  }

  async #look(): Promise<SandboxState> {
    const { platform } = this.#options;
    if (platform !== "linux")
      return {
        kind: "unavailable",
        detail: `there is a sandbox on Linux only, and this is ${platform}`,
        fix: "leave `sandbox` out of [runtime], or run kartad on Linux",
      };
    const program = findBubblewrap(this.#options);
    if (program === null)
      return {
        kind: "unavailable",
        detail: "bubblewrap (bwrap) is not on the PATH that kartad was started with",
        fix: INSTALL,
      };
    const tried = await execa(program, [...ISOLATION, "--", program, "--version"], {
      timeout: PROBE_TIMEOUT_MS,
      reject: false,
      stdin: "ignore",
      env: { PATH: this.#options.searchPath },
      extendEnv: false,
    });
    const version = /bubblewrap (\S+)/.exec(tried.stdout)?.[1];
    if (!tried.failed && version !== undefined) return { kind: "available", program, version };
    const said = tried.stderr.trim().split("\n").at(-1) ?? "";
    const why = said === "" ? (tried.shortMessage ?? "it said nothing") : said;
    return {
      kind: "unavailable",
      detail: `${program} cannot make a sandbox here: ${why}`,
      fix:
        "allow user namespaces: on Ubuntu 24.04 and later an AppArmor profile for bwrap (or sysctl " +
        "kernel.apparmor_restrict_unprivileged_userns=0), elsewhere sysctl user.max_user_namespaces; in a container, " +
        "run it with the right to make them and to mount /proc",
    };
  }
}

const INSTALL =
  "install it with `apt-get install bubblewrap`, `dnf install bubblewrap` or `apk add bubblewrap`";

function findBubblewrap({ searchPath, platform }: SandboxOptions): string | null {
  if (platform !== "linux") return null;
  const folders = searchPath.split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  return folders.map((folder) => path.join(folder, "bwrap")).find(isProgram) ?? null;
}

/** Real paths, outer ones first; of one path, what was said last. */
function arrange(places: readonly SandboxPlace[]): readonly SandboxPlace[] {
  const found = new Map<string, SandboxPlace>();
  for (const place of places) {
    const real = realPath(place.path);
    if (real !== null && real !== "/") found.set(real, { path: real, access: place.access });
  }
  return [...found.values()].sort((one, other) => one.path.length - other.path.length);
}

/** Whether the innermost place around a folder keeps it from sight. */
function isOutOfSight(arranged: readonly SandboxPlace[], folder: string): boolean {
  const real = realPath(folder) ?? folder;
  const around = arranged.findLast(({ path: place }) => real === place || real.startsWith(place + path.sep));
  return around !== undefined && around.access !== "read" && around.access !== "write";
}

function mountOf({ path: place, access }: SandboxPlace, makeFolder: () => string): readonly string[] {
  switch (access) {
    case "read":
      return ["--ro-bind", place, place];
    case "write":
      return ["--bind", place, place];
    case "scratch":
      return ["--bind", makeFolder(), place];
    case "hidden":
      return isFolder(place) ? ["--tmpfs", place] : ["--ro-bind", "/dev/null", place];
  }
}

function realPath(file: string): string | null {
  try {
    return realpathSync(file);
  } catch {
    return null;
  }
}

function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
