/** A kartad of the bench's own: the built program, a temp home, a free port, a socket of its own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { KARTAD_NODE_OPTIONS } from "../../../shared/node-options.ts";
import { StatusSchema, type Status } from "../../../shared/protocol/control.ts";
import type { Scope } from "../scope.ts";

export interface BenchKartad {
  readonly url: string;
  readonly pid: number;
  /** The environment that makes `karta` speak to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Asks it something over its process channel; only a kartad with `nodeArgs` that listen answers. */
  ask(question: string): Promise<unknown>;
  status(): Promise<Status>;
  /** Writes a project folder and registers it. */
  addProject(name: string, files: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
}

export interface BenchKartadOptions {
  readonly root: string;
  readonly scope: Scope;
  /** A folder that stands for a machine's home; a new temp folder if not given. */
  readonly home?: string;
  readonly flags?: readonly string[];
  /** What Node is given before the program. */
  readonly nodeArgs?: readonly string[];
  /** Added to a minimal environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts kartad and waits until it listens. It ends with the scope. @throws Error with its last words */
export async function startKartad(options: BenchKartadOptions): Promise<BenchKartad> {
  const { root, scope, flags = ["--offline"], nodeArgs = [] } = options;
  const home = options.home ?? scope.folder();
  const env = { ...homeEnvironment(home), ...options.env };
  const child = execa(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      ...KARTAD_NODE_OPTIONS,
      ...profilerArgs(),
      ...nodeArgs,
      path.join(root, "daemon/bin/kartad.js"),
      "--port",
      "0",
      ...flags,
    ],
    {
      env,
      extendEnv: false,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      ipc: true,
      reject: false,
      cwd: home,
      buffer: { stdout: false, stderr: true, ipc: false },
    },
  );
  const ended = child.then(({ stderr }) => stderr);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(hard);
  };
  scope.onEnd(stop);
  const url = await Promise.race([
    listening(child.stderr),
    ended.then((stderr) => Promise.reject(new Error(`kartad ended before it listened: ${stderr}`))),
  ]);
  const karta = (args: readonly string[]) =>
    execa(process.execPath, [path.join(root, "cli/bin/karta.js"), ...args], {
      env,
      extendEnv: false,
      stdin: "ignore",
    });
  return {
    url,
    pid: child.pid ?? 0,
    env,
    ask: async (question) => {
      const answer = child.getOneMessage();
      await child.sendMessage(question);
      return answer;
    },
    status: () => readStatus(env.KARTA_SOCKET),
    addProject: async (name, files) => {
      await karta(["project", "add", writeProject(home, name, files), name]);
    },
    stop,
  };
}

/** Where to look when a budget is missed: `KARTA_BENCH_CPU_PROF=FOLDER` keeps a CPU profile of every kartad there. */
function profilerArgs(): string[] {
  const folder = process.env.KARTA_BENCH_CPU_PROF;
  return folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`];
}

/** Everything that would lead to the operator's own Karta or Claude Code, pointed into `home`. */
export function homeEnvironment(home: string) {
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: home,
    KARTA_HOME: path.join(home, "state"),
    KARTA_SOCKET: path.join(home, "k.sock"),
    KARTA_CONFIG_HOME: path.join(home, "config"),
  };
}

/** @returns the folder */
export function writeProject(home: string, name: string, files: Readonly<Record<string, string>>): string {
  const folder = path.join(home, "projects", name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
  return folder;
}

function listening(stderr: Readable): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: stderr }).on("line", (line) => {
      const url = /listens on (http:\/\/\S+)/.exec(stripVTControlCharacters(line))?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

function readStatus(socketPath: string): Promise<Status> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, path: "/control/v1/status", method: "GET", agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("end", () => {
          try {
            resolve(StatusSchema.parse(JSON.parse(text)));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}
