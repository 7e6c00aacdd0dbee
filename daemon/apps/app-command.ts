/** What to run so that a child imports an entry point: the one thing that differs between the buildpacks. */
import path from "node:path";
import { packageRoot } from "../../shared/paths.ts";
import type { SandboxPlace } from "../process/sandbox.ts";
import type { EntryPoint } from "../../shared/protocol/projects.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import type { ModuleAttribute } from "./entry-point-module.ts";
import { findPython } from "./find-python.ts";

/** A program of Karta's that loads an app. */
export interface AppCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly sandbox?: readonly SandboxPlace[] | undefined;
}

export interface AppCommands {
  /** Prints what came of the import, and ends. */
  readonly check: AppCommand;
  /** Stays, and runs the app's code. */
  readonly worker: AppCommand;
  /** Installs what is missing, without the package's name. */
  readonly install: string;
}

export type AppCommandsResult =
  | { readonly kind: "ready"; readonly commands: AppCommands }
  | { readonly kind: "no_python"; readonly tried: readonly string[] };

export interface AppCommandOptions {
  readonly root: string;
  readonly entryPoint: EntryPoint;
  readonly target: ModuleAttribute;
  /** The entry point's file, relative to `root`. */
  readonly file: string;
  /** The child's environment, as child-environment.ts makes it. */
  readonly env: Readonly<Record<string, string>>;
  /** The operator's own HOME, where known: version managers and `pip install --user` go by it. */
  readonly operatorHome: string | undefined;
  readonly spawner: Pick<ProcessSpawner, "spawn">;
  /** As `SpawnRequest.sandbox`. */
  readonly sandbox?: readonly SandboxPlace[] | undefined;
}

/**
 * Node cannot move its own standard output away, and an app's child process would print into it. The shell does it before
 * Node is there; it ends by becoming Node.
 */
const MOVE_STDIO = 'exec "$0" "$@" 3<&0 4>&1 </dev/null 1>&2';

/** Only Python can fail here: Node apps run in the Node that runs kartad. */
export async function appCommands(options: AppCommandOptions): Promise<AppCommandsResult> {
  const { root, entryPoint, target, file, operatorHome, spawner, sandbox } = options;
  const apps = path.join(packageRoot(), "daemon", "apps");
  const env = { ...options.env, KARTA_APP_ROOT: root };
  switch (entryPoint.buildpack) {
    case "python": {
      const packages = path.join(apps, "python");
      const probeEnv = operatorHome === undefined ? options.env : { ...options.env, HOME: operatorHome };
      const found = await findPython({ spawner, cwd: packages, env: probeEnv });
      if (found.kind === "missing") return { kind: "no_python", tried: found.tried };
      const { executable, userBase } = found.python;
      const common = {
        command: executable,
        sandbox,
        // `-m` puts the working folder first on the path: in the app's own, a karta.py there would come before ours.
        // Both programs change to the app's folder before they import anything from it.
        cwd: packages,
        env: {
          ...env,
          // Not the app's folder: it is put first once all that Karta needs is imported. A json.py there would
          // otherwise be taken for Python's own.
          PYTHONPATH: packages,
          PYTHONDONTWRITEBYTECODE: "1", // nothing is ever written into the user's folder
          PYTHONIOENCODING: "utf-8:backslashreplace", // a print never fails, whatever is in it
          ...(userBase === null ? {} : { PYTHONUSERBASE: userBase }),
        },
      };
      return {
        kind: "ready",
        commands: {
          check: { ...common, args: ["-m", "karta.check", entryPoint.spec] },
          worker: { ...common, args: ["-m", "karta.worker", entryPoint.spec] },
          install: `${executable} -m pip install`,
        },
      };
    }
    case "node": {
      const program = (name: string): string[] => [
        "--import",
        path.join(apps, "node", "resolve-karta.js"),
        path.join(apps, "node", name),
        path.join(root, file),
        target.attribute,
      ];
      return {
        kind: "ready",
        commands: {
          check: { command: process.execPath, args: program("check.js"), cwd: root, env, sandbox },
          worker: {
            command: "/bin/sh",
            args: ["-c", MOVE_STDIO, process.execPath, ...program("worker.js")],
            cwd: root,
            env,
            sandbox,
          },
          install: "npm install",
        },
      };
    }
  }
}
