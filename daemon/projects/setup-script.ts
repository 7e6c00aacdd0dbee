/** `[environment] setup`: a project's own script that makes a workspace ready (spec: karta-toml). */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { KartaError } from "../../shared/errors.ts";
import { lastLine, runBounded, type BoundedRun } from "../apps/bounded-run.ts";
import { redactValues } from "../apps/redact-values.ts";
import { describeExit } from "../process/process.ts";
import type { SandboxPlace } from "../process/sandbox.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import { locate } from "./folder-files.ts";

const TAIL_BYTES = 8 * 1024;

export interface SetupScript {
  /** As karta.toml has it. */
  readonly name: string;
  readonly real: string;
  readonly executable: boolean;
  /** SHA-256 of its content, hexadecimal. */
  readonly hash: string;
}

/**
 * Finds the script in a workspace's files.
 * @throws KartaError `harness_unavailable` when it is gone, or leads out of the folder
 */
export async function findSetupScript(files: string, name: string): Promise<SetupScript> {
  const found = await locate(files, name);
  if (found.kind !== "file") {
    const why =
      found.kind === "refused" ? found.message : found.kind === "folder" ? "is a folder" : "is not there";
    throw new KartaError("harness_unavailable", `the project's setup script cannot be run: ${name} ${why}`);
  }
  const hash = createHash("sha256")
    .update(await readFile(found.real))
    .digest("hex");
  return { name, real: found.real, executable: (found.mode & 0o111) !== 0, hash };
}

export interface RunSetupOptions {
  readonly script: SetupScript;
  /** The workspace's files; the script's working folder. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Kept out of the error's text. */
  readonly boundEnv: Readonly<Record<string, string>>;
  readonly spawner: Pick<ProcessSpawner, "spawn">;
  /** As `SpawnRequest.sandbox`. */
  readonly sandbox: readonly SandboxPlace[] | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Runs the script to its end: directly where it is executable, else with /bin/sh.
 * @throws KartaError `harness_unavailable`: the script, how it ended, its last line; `cause` has its last 8 KiB of output
 */
export async function runSetupScript(options: RunSetupOptions): Promise<void> {
  const { script, cwd, env, boundEnv, spawner, sandbox, timeoutMs, signal } = options;
  // An executable text without `#!` is run by /bin/sh all the same: execvp(3), which Node spawns with, sees to it.
  const [command, args] = script.executable ? [script.real, []] : ["/bin/sh", [script.real]];
  const child = spawner.spawn({ purpose: "setup", command, args, cwd, env, sandbox });
  const run = await runBounded(child, { timeoutMs, tailBytes: TAIL_BYTES, signal });
  if (run.cause === "itself" && run.exit.kind === "exited" && run.exit.code === 0) return;

  const output = redactValues(run.output, boundEnv);
  const last = lastLine(output);
  throw new KartaError(
    "harness_unavailable",
    `the project's setup script ${path.normalize(script.name)} ${howItEnded(run, timeoutMs)}${last === null ? "; it printed nothing" : `; its last line: ${last}`}`,
    { cause: new Error(`output of ${script.name}:\n${output}`) },
  );
}

function howItEnded(run: BoundedRun, timeoutMs: number): string {
  switch (run.cause) {
    case "deadline":
      return `did not end within ${timeoutMs / 1000} seconds`;
    case "aborted":
      return "was stopped, since its workspace was discarded";
    case "itself":
    case "complete":
    case "flood":
      return describeExit(run.exit);
  }
}
