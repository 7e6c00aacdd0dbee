/** What to run so that a child imports an entry point: the one thing that differs between the buildpacks. */
import path from "node:path";
import { packageRoot } from "../../shared/paths.ts";
import type { EntryPoint } from "../../shared/protocol/projects.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import type { ModuleAttribute } from "./entry-point-module.ts";
import { findPython } from "./find-python.ts";

export interface CheckCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Installs what is missing, without the package's name. */
  readonly install: string;
}

export type CheckCommandResult =
  | { readonly kind: "ready"; readonly check: CheckCommand }
  | { readonly kind: "no_python"; readonly tried: readonly string[] };

export interface CheckCommandOptions {
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
}

/** Only Python can fail here: Node apps run in the Node that runs kartad. */
export async function checkCommand(options: CheckCommandOptions): Promise<CheckCommandResult> {
  const { root, entryPoint, target, file, operatorHome, spawner } = options;
  const apps = path.join(packageRoot(), "daemon", "apps");
  const env = { ...options.env, KARTA_APP_ROOT: root };
  switch (entryPoint.buildpack) {
    case "python": {
      const packages = path.join(apps, "python");
      const probeEnv = operatorHome === undefined ? options.env : { ...options.env, HOME: operatorHome };
      const found = await findPython({ spawner, cwd: packages, env: probeEnv });
      if (found.kind === "missing") return { kind: "no_python", tried: found.tried };
      const { executable, userBase } = found.python;
      return {
        kind: "ready",
        check: {
          command: executable,
          args: ["-m", "karta.check", entryPoint.spec],
          // `-m` puts the working folder first on the path: in the app's own, a karta.py there would come before ours.
          // The check changes to the app's folder before it imports anything from it.
          cwd: packages,
          env: {
            ...env,
            // Not the app's folder: the check puts it first itself, once it has imported what it needs. A json.py there
            // would otherwise be taken for Python's own by the check.
            PYTHONPATH: packages,
            PYTHONDONTWRITEBYTECODE: "1", // nothing is ever written into the user's folder
            PYTHONIOENCODING: "utf-8",
            ...(userBase === null ? {} : { PYTHONUSERBASE: userBase }),
          },
          install: `${executable} -m pip install`,
        },
      };
    }
    case "node":
      return {
        kind: "ready",
        check: {
          command: process.execPath,
          args: [
            "--import",
            path.join(apps, "node", "resolve-karta.js"),
            path.join(apps, "node", "check.js"),
            path.join(root, file),
            target.attribute,
          ],
          cwd: root,
          env,
          install: "npm install",
        },
      };
  }
}
