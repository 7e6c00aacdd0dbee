/** Runs kartad for one answer, where none is running: `--doctor`, `--repair`, `--restore`. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { z } from "zod";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { CliError } from "../client/errors.ts";
import { kartadCommand } from "./replace.ts";

/**
 * @returns what it printed, read by the schema
 * @throws CliError `already_running` while a kartad holds the state folder, `kartad_refused` with its words
 */
export async function kartadOnce<S extends z.ZodType>(
  args: readonly string[],
  schema: S,
): Promise<z.output<S>> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, kartadCommand(args));
    return schema.parse(JSON.parse(stdout));
  } catch (error) {
    if (typeof error !== "object" || error === null || !("stderr" in error)) throw error;
    const said = String(error.stderr).trim().split("\n").at(-1) ?? "";
    const words = said.replace(/^kartad: \w+: /, "");
    const isRunning = "code" in error && error.code === DAEMON_EXIT.already_running;
    throw new CliError(
      isRunning ? "already_running" : "kartad_refused",
      words === "" ? "kartad ended" : words,
    );
  }
}
