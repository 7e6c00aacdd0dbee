/**
 * The built `karta` without a process of its own, whose start is a fifth of a second of the machine's time: for tests that look
 * at what many commands print. How it starts, reads, is interrupted and ends is for those that run it as a user does.
 */
import { globSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { runProgram } from "../../cli/program.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const ProgramSchema = z.object({
  runProgram: z.custom<typeof runProgram>((value) => value instanceof Function),
});

/**
 * One at a time: while it runs, this process has the environment, and what it writes is the command's.
 * @param home the package; its parts are loaded once
 * @param env all that the command is to see
 */
export async function runInProcess(
  home: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Outcome> {
  const [file = "none"] = globSync(path.join(home, "dist/cli/program-*.js"));
  const program = ProgramSchema.parse(await import(pathToFileURL(file).href));
  const said = { stdout: "", stderr: "" };
  const undo = [borrowEnvironment(env), borrowProcess(), capture("stdout"), capture("stderr")];
  try {
    const code = await program.runProgram([...args]);
    return { code, ...said };
  } finally {
    for (const back of undo) back();
  }

  function capture(name: "stdout" | "stderr"): () => void {
    const stream = process[name];
    const write = (text: string | Uint8Array, how?: string | Told, then?: Told): boolean => {
      said[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      const told = typeof how === "function" ? how : then;
      told?.();
      return true;
    };
    const undo = [replace(stream, "write", write), replace(stream, "isTTY", undefined)];
    return () => undo.forEach((back) => back());
  }
}

type Told = () => void;

function replace(object: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, own);
  };
}

function borrowEnvironment(env: Readonly<Record<string, string | undefined>>): () => void {
  const own = { ...process.env };
  const set = (to: Readonly<Record<string, string | undefined>>): void => {
    for (const name of Object.keys(process.env))
      if (to[name] === undefined) Reflect.deleteProperty(process.env, name);
    for (const [name, value] of Object.entries(to)) if (value !== undefined) process.env[name] = value;
  };
  set(env);
  return () => set(own);
}

/** What a command leaves behind because its process is about to end. */
function borrowProcess(): () => void {
  const { exitCode } = process;
  process.exitCode = undefined;
  const before = new Map(SIGNALS.map((signal) => [signal, new Set(process.listeners(signal))]));
  return () => {
    process.exitCode = exitCode;
    for (const [signal, known] of before)
      for (const listener of process.listeners(signal))
        if (!known.has(listener)) process.removeListener(signal, listener);
  };
}
