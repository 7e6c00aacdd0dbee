/** A kartad whose sockets a parent holds, as systemd does. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { packageRoot } from "../../shared/paths.ts";
import { observeKarta } from "./contract/observer.ts";
import type { TestHome } from "./kartad.ts";

export interface SocketHolder {
  readonly url: string;
  readonly port: number;
  /** What kartad has said on standard error so far. */
  log(): string;
  /** Starts kartad. @returns its pid, when it was started, not when it is ready */
  readonly start: () => Promise<number>;
  /** SIGTERM, and wait. @returns its exit code; that of a signal is negative */
  readonly stop: () => Promise<number>;
  /** SIGKILL, and wait. */
  readonly kill: () => Promise<number>;
  /** Waits for an end that comes by itself. */
  readonly ended: () => Promise<number>;
  /** Closes the sockets, and ends a kartad that still runs. */
  readonly close: () => Promise<void>;
}

export interface HolderOptions {
  /** LISTEN_FDNAMES of the TCP socket and the Unix socket. */
  readonly names?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Opens both sockets; kartad is not started. Owner: the test, which closes it. */
export async function holdSockets(home: TestHome, options: HolderOptions = {}): Promise<SocketHolder> {
  const { names = "http:control", flags = [], env = {} } = options;
  mkdirSync(path.dirname(home.socket), { recursive: true, mode: 0o700 });
  const root = packageRoot();
  const kartad = [process.execPath, path.join(root, "daemon/bin/kartad.js"), "--offline", ...flags];
  const holder = spawn(
    "python3",
    [path.join(root, "test/fixtures/socket-holder.py"), home.socket, names, ...kartad],
    {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        HOME: home.folder,
        KARTA_HOME: home.state,
        KARTA_SOCKET: home.socket,
        ...env,
      },
    },
  );
  let said = "";
  holder.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const lines = createInterface({ input: holder.stdout })[Symbol.asyncIterator]();
  const answer = async (word: string): Promise<number> => {
    const line = await lines.next();
    const number = new RegExp(`^${word} (-?\\d+)$`).exec(line.done === true ? "" : line.value)?.[1];
    if (number === undefined) throw new Error(`the holder did not say ${word}: ${said}`);
    return Number(number);
  };
  const order = (what: string, word: string): Promise<number> => {
    holder.stdin.write(`${what}\n`);
    return answer(word);
  };
  /** A kartad that was started and whose end nobody has heard of. */
  let running: number | null = null;
  const end = async (how: string): Promise<number> => {
    const code = await order(how, "ended");
    running = null;
    return code;
  };
  const port = await answer("port");
  const url = `http://127.0.0.1:${port}`;
  await observeKarta(url);
  return {
    url,
    port,
    log: () => said,
    start: async () => (running = await order("start", "started")),
    stop: () => end("stop"),
    kill: () => end("kill"),
    ended: () => end("wait"),
    close: async () => {
      if (running !== null) process.kill(running, "SIGKILL"); // the holder may be waiting for it
      holder.stdin.end();
      if (holder.exitCode === null) await once(holder, "exit");
    },
  };
}
