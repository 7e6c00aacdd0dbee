/** Does an app load? Asked at `project add` and `project check`, and answered by really importing it in a child. */
import { realpath } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { newId } from "../../shared/ids.ts";
import type { EntryPoint } from "../../shared/protocol/projects.ts";
import { ownPlaces } from "../process/sandbox.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import { appCommands } from "./app-command.ts";
import { runBounded, type BoundedRun } from "./bounded-run.ts";
import { childEnvironment, type Environment } from "./child-environment.ts";
import { locateModule, moduleCandidates, parseEntryPoint } from "./entry-point-module.ts";
import { explainOutcome, explainSilence } from "./explain-outcome.ts";
import { jsonOrNull } from "./json-or-null.ts";
import {
  ImportOutcomeSchema,
  isIdle,
  NO_APP,
  type AppDescription,
  type EntryPointCheck,
  type ImportOutcome,
} from "./protocol.ts";
import { redactValues } from "./redact-values.ts";
import { ToolArguments } from "./tool-arguments.ts";
import type { AppContext } from "./worker-protocol.ts";

export interface CheckEntryPointOptions {
  /** The project's folder: absolute, links resolved. */
  readonly root: string;
  readonly entryPoint: EntryPoint;
  /** What karta.toml's `[env]` gives the app. */
  readonly boundEnv: Readonly<Record<string, string>>;
  /** What the app may ask of its folder. */
  readonly context?: AppContext;
  /** The daemon's environment. The child gets PATH, LANG, LC_ALL and TMPDIR of it, nothing else. */
  readonly baseEnv: Environment;
  /** The child's HOME; must exist. */
  readonly home: string;
  readonly spawner: Pick<ProcessSpawner, "spawn">;
  /** The app runs in a sandbox, now and later. */
  readonly sandbox?: boolean;
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
  const { root, entryPoint, boundEnv, baseEnv, home, spawner } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, context = { agents: [], skills: [] } } = options;
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
  const prepared = await appCommands({
    root,
    entryPoint,
    target,
    file,
    env,
    operatorHome: baseEnv.HOME,
    spawner,
    sandbox: options.sandbox ? ownPlaces({ cwd: root, home }) : undefined,
  });
  if (prepared.kind === "no_python") {
    return {
      ok: false,
      problem: `no Python 3.9 or newer was found: ${prepared.tried.join("; ")}`,
      fix: "install Python 3.9 or newer (https://www.python.org/downloads, or your system's package manager) and start kartad with it on its PATH",
    };
  }
  const { check: program, worker, install } = prepared.commands;
  const marker = `${newId("proc")} `; // the app's own output cannot begin a line with it by chance
  const child = spawner.spawn({
    purpose: "entry-point",
    ...program,
    env: { ...program.env, KARTA_CHECK_MARKER: marker },
  });
  const run = await runBounded(child, {
    timeoutMs,
    maxBytes: MAX_OUTPUT_BYTES,
    tailBytes: TAIL_BYTES,
    input: `${JSON.stringify(context)}\n`,
    isComplete: (stdout) => findAnswer(stdout, marker) !== null,
  });
  const outcome = completed(findAnswer(run.stdout, marker), run, root);
  const subject = { file, attribute: target.attribute, entryPoint, install, timeoutMs };
  if (outcome?.outcome === "loaded") {
    const { features, app = NO_APP } = outcome;
    return wrongSchema(app) ?? { ok: true, features, app, worker: isIdle(app) ? null : worker };
  }
  const failed = outcome === null ? explainSilence(run, subject) : explainOutcome(outcome, subject);
  return { ...failed, problem: redactValues(failed.problem, boundEnv) };
}

/** A Node app writes its tools' schemas by hand; better told now than by the first call. */
function wrongSchema({ tools }: AppDescription): EntryPointCheck | null {
  for (const { name, input_schema } of tools) {
    const read = ToolArguments.of(input_schema);
    if (read.kind === "refused") {
      return {
        ok: false,
        problem: `the input of the tool ${name} is no JSON Schema that can be checked: ${read.message}`,
        fix: 'write it like { type: "object", properties: { id: { type: "string" } }, required: ["id"] }',
      };
    }
  }
  return null;
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
    const answer = ImportOutcomeSchema.safeParse(jsonOrNull(line.slice(marker.length)));
    if (answer.success) return answer.data;
  }
  return null;
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
