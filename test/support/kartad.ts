/** A real kartad for a test: the built program, a temp home, a socket of its own, scripted replies. */
import { existsSync, mkdtempSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import os from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { packageRoot } from "../../shared/paths.ts";
import { observeKarta } from "./contract/observer.ts";
import { runInProcess, type Outcome } from "./karta-in-process.ts";
import { Operator } from "./operator.ts";
import type { SmallDisk } from "./small-disk.ts";

export interface KartadExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

export interface Kartad {
  readonly url: string;
  readonly pid: number;
  /** The environment that makes `karta` speak to this daemon. */
  readonly env: Readonly<Record<string, string>>;
  /** What it has said on standard error so far. */
  log(): string;
  /** Settles when it has ended, however. */
  readonly exited: Promise<KartadExit>;
  /** SIGTERM, and wait. */
  stop(): Promise<KartadExit>;
  /** SIGKILL, and wait. */
  kill(): Promise<KartadExit>;
}

export interface TestHome {
  readonly folder: string;
  readonly state: string;
  readonly socket: string;
  /** Asks this home's kartad over its control socket. */
  readonly operator: Operator;
  /** Writes a project folder of these files and returns its path. */
  project(name: string, files: Readonly<Record<string, string>>): string;
  /** Starts kartad on this home; the port is any free one unless a flag says otherwise. */
  start(options?: StartOptions): Promise<Kartad>;
  /** Starts kartad and waits for its end: for starts that must fail. */
  runToEnd(options?: StartOptions): Promise<KartadExit>;
  /** Runs a `karta` command against this home's daemon. */
  karta(
    args: readonly string[],
    options?: { cwd?: string; input?: string; env?: Readonly<Record<string, string>> },
  ): Promise<Outcome>;
  /** The same without a process of its own, for what a command prints and does: one at a time, in this process's folder. */
  ask(args: readonly string[]): Promise<Outcome>;
  /** SIGKILL to every kartad of this home that still runs, and wait. */
  end(): Promise<void>;
  /** Ends what still runs and removes the folder. */
  remove(): Promise<void>;
}

export interface StartOptions {
  readonly flags?: readonly string[];
  /** Added to a minimal environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default true. */
  readonly offline?: boolean;
  /** What Node is given before the program. */
  readonly nodeArgs?: readonly string[];
}

const root = packageRoot();

/** Environment of a `karta doctor`, and of a kartad that it asks, which are not to start OpenCode. */
export const WITHOUT_OPENCODE = {
  NODE_OPTIONS: `--import=${path.join(root, "test/fixtures/without-opencode.ts")}`,
};

/** The URL that a kartad says it listens on. Never settles if it says none. */
export function listening(stderr: Readable): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: stderr }).on("line", (line) => {
      const url = /listens on (http:\/\/\S+)/.exec(stripVTControlCharacters(line))?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

/**
 * A spare is an agent process of its own, a second of the machine's time for each `project add` and each session: a test
 * that wants them says so in its karta.toml.
 */
function withoutSpares(
  folder: string,
  files: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const toml = files["karta.toml"] ?? "";
  if (toml.includes("[pool]") || (toml !== "" && !toml.endsWith("\n"))) return files;
  if (toml === "" && existsSync(path.join(folder, "karta.toml"))) return files; // written before
  return { ...files, "karta.toml": `${toml}[pool]\nspares = 0\n` };
}

/**
 * A temp folder that stands for a whole machine's state.
 * @param options.disk where kartad's state folder lies; without one it is a part of the temp folder. The caller removes it
 */
export function makeHome({ disk }: { readonly disk?: SmallDisk } = {}): TestHome {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "karta-t-")));
  const state = path.join(disk?.folder ?? folder, "state");
  /** The command for Node, on a machine that has the disk. */
  const [command, ...entering] = [...(disk?.enter ?? []), process.execPath];
  const socket = path.join(folder, "run", "k.sock");
  const running = new Set<{ kill: (signal: NodeJS.Signals) => boolean; done: Promise<KartadExit> }>();
  const env = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: folder,
    KARTA_HOME: state,
    KARTA_SOCKET: socket,
    KARTA_CONFIG_HOME: path.join(folder, "config"),
    NODE_COMPILE_CACHE: path.join(os.tmpdir(), "karta-test-cache", "node"), // a tenth of a second of each kartad's start
    ...extra,
  });

  const spawn = ({ flags = [], env: extra = {}, offline = true, nodeArgs = [] }: StartOptions) => {
    const port = flags.includes("--port") || extra.KARTA_PORT !== undefined ? [] : ["--port", "0"];
    const child = execa(
      command,
      [
        ...entering,
        ...nodeArgs,
        path.join(root, "daemon/bin/kartad.js"),
        ...port,
        ...(offline ? ["--offline"] : []),
        ...flags,
      ],
      {
        env: env(extra),
        extendEnv: false,
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
        reject: false,
        cwd: folder,
      },
    );
    const done = child.then((result): KartadExit => ({
      code: result.exitCode ?? null,
      signal: result.signal ?? null,
      stderr: result.stderr,
    }));
    const entry = { kill: (signal: NodeJS.Signals) => child.kill(signal), done };
    running.add(entry);
    void done.then(() => running.delete(entry));
    return { child, done };
  };

  const endAll = async (): Promise<void> => {
    for (const { kill, done } of running) {
      kill("SIGKILL");
      await done;
    }
  };

  return {
    folder,
    state,
    socket,
    operator: new Operator(socket),
    end: endAll,
    project: (name, files) => {
      const projectFolder = path.join(folder, name);
      for (const [file, text] of Object.entries(withoutSpares(projectFolder, files))) {
        const place = path.join(projectFolder, file);
        mkdirSync(path.dirname(place), { recursive: true });
        writeFileSync(place, text);
      }
      return projectFolder;
    },
    start: async (options = {}) => {
      const { child, done } = spawn(options);
      let said = "";
      child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
      const url = await Promise.race([
        listening(child.stderr),
        done.then((exit) => Promise.reject(new Error(`kartad ended before it listened: ${exit.stderr}`))),
      ]);
      await observeKarta(url);
      const end = (signal: NodeJS.Signals): Promise<KartadExit> => {
        child.kill(signal);
        return done;
      };
      return {
        url,
        pid: child.pid ?? 0,
        env: env(options.env),
        log: () => said,
        exited: done,
        stop: () => end("SIGTERM"),
        kill: () => end("SIGKILL"),
      };
    },
    runToEnd: (options = {}) => spawn(options).done,
    karta: async (args, { cwd = folder, input, env: extra } = {}) => {
      const result = await execa(command, [...entering, path.join(root, "cli/bin/karta.js"), ...args], {
        env: env(extra),
        extendEnv: false,
        cwd,
        reject: false,
        ...(input === undefined ? { stdin: "ignore" } : { input }),
      });
      return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
    },
    ask: async (args) => {
      const { code, stdout, stderr } = await runInProcess(root, args, env());
      return { code, stdout: stdout.replace(/\n$/, ""), stderr: stderr.replace(/\n$/, "") };
    },
    remove: async () => {
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
