/** Does an app load? Asked at `project add` and `project check`, and answered by really importing it in a child. */
import { realpath } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { newId } from "../../shared/ids.ts";
import type { EntryPoint } from "../../shared/protocol/projects.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import { runBounded, type BoundedRun } from "./bounded-run.ts";
import { checkCommand } from "./check-command.ts";
import { childEnvironment, type Environment } from "./child-environment.ts";
import { locateModule, moduleCandidates, parseEntryPoint } from "./entry-point-module.ts";
import { explainOutcome, explainSilence } from "./explain-outcome.ts";
import { ImportOutcomeSchema, type EntryPointCheck, type ImportOutcome } from "./protocol.ts";
import { redactValues } from "./redact-values.ts";

export interface CheckEntryPointOptions {
  /** The project's folder: absolute, links resolved. */
  readonly root: string;
  readonly entryPoint: EntryPoint;
  /** The names that karta.toml's `[env]` binds. */
  readonly boundEnv: Readonly<Record<string, string>>;
  /** The daemon's environment. The child gets PATH, LANG, LC_ALL and TMPDIR of it, nothing else. */
  readonly baseEnv: Environment;
  /** The child's HOME; must exist. */
  readonly home: string;
  readonly spawner: Pick<ProcessSpawner, "spawn">;
  /** Milliseconds the import may take, the interpreter's start included. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 20_000;
/** Prints of an import are a few lines; more is a loop, and nobody reads it. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Room for the answer (names and a message, all cut short by the child) and whatever came before it. */
const TAIL_BYTES = 256 * 1024;

/**
 * Imports the entry point in a child of its own and looks its attribute up.
 * Never throws for what is wrong with the app: that is the answer.
 */
export async function checkEntryPoint(options: CheckEntryPointOptions): Promise<EntryPointCheck> {
  const { root, entryPoint, boundEnv, baseEnv, home, spawner, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const target = parseEntryPoint(entryPoint.spec);
  if (target === null) {
    return {
      ok: false,
      problem: `entry_point "${entryPoint.spec}" is not of the form module:attribute`,
      fix: `write it like entry_point = "app:app": the module's file without its ending, then the variable's name`,
    };
  }
  const file = await locateModule(root, entryPoint.buildpack, target.module);
  if (file === null) {
    const looked =
      moduleCandidates(entryPoint.buildpack, target.module).join(", ") || "nothing: not a module's name";
    return {
      ok: false,
      problem: `there is no module ${target.module} in ${root} (looked for ${looked})`,
      fix: "create the file, or correct entry_point in karta.toml",
    };
  }
  const outside = await leadsOutside(root, file);
  if (outside !== null) return outside;

  const env = childEnvironment({ baseEnv, home, boundEnv });
  const prepared = await checkCommand({
    root,
    entryPoint,
    target,
    file,
    env,
    operatorHome: baseEnv.HOME,
    spawner,
  });
  if (prepared.kind === "no_python") {
    return {
      ok: false,
      problem: `no Python 3.9 or newer was found: ${prepared.tried.join("; ")}`,
      fix: "install Python 3.9 or newer (https://www.python.org/downloads, or your system's package manager) and start kartad with it on its PATH",
    };
  }
  const { command, args, cwd, env: childEnv, install } = prepared.check;
  const marker = `${newId("proc")} `; // the app's own output cannot begin a line with it by chance
  const child = spawner.spawn({
    purpose: "entry-point",
    command,
    args,
    cwd,
    env: { ...childEnv, KARTA_CHECK_MARKER: marker },
  });
  const run = await runBounded(child, {
    timeoutMs,
    maxBytes: MAX_OUTPUT_BYTES,
    tailBytes: TAIL_BYTES,
    isComplete: (stdout) => findAnswer(stdout, marker) !== null,
  });
  const outcome = completed(findAnswer(run.stdout, marker), run, root);
  const subject = { file, attribute: target.attribute, entryPoint, install, timeoutMs };
  const check = outcome === null ? explainSilence(run, subject) : explainOutcome(outcome, subject);
  if (check.ok) return check;
  return { ...check, problem: redactValues(check.problem, boundEnv) };
}

/** The app's file may be a link, but only to a file of the folder: what is registered is the folder, nothing else. */
async function leadsOutside(root: string, file: string): Promise<EntryPointCheck | null> {
  const target = await realpath(path.join(root, file)).catch(() => null);
  if (target?.startsWith(path.join(root, path.sep))) return null;
  return {
    ok: false,
    problem: `${file} is a link to ${target ?? "nothing"}, outside the project's folder`,
    fix: "copy the file into the folder",
  };
}

function findAnswer(stdout: string, marker: string): ImportOutcome | null {
  for (const line of stdout.split("\n").reverse()) {
    if (!line.startsWith(marker)) continue;
    const answer = ImportOutcomeSchema.safeParse(parseJson(line.slice(marker.length)));
    if (answer.success) return answer.data;
  }
  return null;
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return null; // cut off: the rest is still on its way
  }
}

/** Node gives the line of an ES module's syntax error on stderr only (see node/check.js). */
function completed(outcome: ImportOutcome | null, run: BoundedRun, root: string): ImportOutcome | null {
  if (outcome?.outcome !== "syntax_error" || outcome.file !== null) return outcome;
  const [, url, line] = /^(file:\/\/\S+):(\d+)$/m.exec(run.stderr) ?? [];
  if (url === undefined) return outcome;
  const file = fileURLToPath(url);
  const relative = path.relative(root, file);
  return { ...outcome, file: relative.startsWith("..") ? file : relative, line: Number(line) };
}
