/** How long a program takes: to its first answer over HTTP, or to its end. */
import { get } from "node:http";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Scope } from "./scope.ts";

const POLL_MS = 3;
const START_MS = 20_000;

export interface Program {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs Node with these arguments to its end. @returns milliseconds. @throws when it fails */
export async function timeToEnd({ args, env }: Program): Promise<number> {
  const startedAt = performance.now();
  await execa(process.execPath, args, { stdin: "ignore", ...(env && { env, extendEnv: false }) });
  return performance.now() - startedAt;
}

/** Runs Node with these arguments until `GET /readyz` on the port answers 200, then ends it. @returns milliseconds */
export async function timeToReady(scope: Scope, port: number, { args, env }: Program): Promise<number> {
  const startedAt = performance.now();
  const child = execa(process.execPath, args, {
    stdio: "ignore",
    reject: false,
    ...(env && { env, extendEnv: false }),
  });
  scope.onEnd(() => void child.kill("SIGKILL"));
  while (!(await answers(port))) {
    if (performance.now() - startedAt > START_MS) throw new Error(`${args.join(" ")} did not start`);
    await sleep(POLL_MS);
  }
  const took = performance.now() - startedAt;
  child.kill("SIGTERM");
  await child;
  return took;
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path: "/readyz", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on("error", () => resolve(false));
  });
}
