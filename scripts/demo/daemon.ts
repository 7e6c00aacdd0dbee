/** A kartad of the demo's own: its state in the clone, its socket in the temp folder, never the operator's. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

const READY_MS = 30_000;

export interface DemoDaemon {
  readonly url: string;
  /** Runs a `karta` command against it. */
  karta(...args: string[]): Promise<string>;
  /** Settles when kartad has ended, however that came. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts kartad and waits until it is ready. @throws Error with kartad's own last words when it does not start */
export async function startDemoDaemon(options: {
  root: string;
  port: number;
  offline: boolean;
}): Promise<DemoDaemon> {
  const { root, port, offline } = options;
  // A socket's path has about 100 bytes; a clone can lie deeper than that.
  const socketFolder = mkdtempSync(path.join(os.tmpdir(), "karta-demo-"));
  const env = {
    KARTA_HOME: path.join(root, ".demo", "state"),
    XDG_CACHE_HOME: path.join(root, ".demo", "cache"), // the CLI's compile cache
    KARTA_CONFIG_HOME: path.join(root, ".demo", "config"),
    KARTA_SOCKET: path.join(socketFolder, "kartad.sock"),
  };
  const kartad = execa(
    process.execPath,
    [
      path.join(root, "daemon/bin/kartad.js"),
      "--port",
      String(port),
      "--quiet",
      ...(offline ? ["--offline"] : []),
    ],
    { env, stdin: "ignore", stdout: "ignore", stderr: "pipe", reject: false, cleanup: true },
  );
  const ended = kartad.then(() => rmSync(socketFolder, { recursive: true, force: true }));
  const url = `http://127.0.0.1:${port}`;

  const deadline = performance.now() + READY_MS;
  for (;;) {
    const ready = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) break;
    if (kartad.nodeChildProcess.exitCode !== null || performance.now() > deadline) {
      kartad.kill("SIGKILL");
      const { stderr } = await kartad;
      throw new Error(`kartad did not start: ${stderr.trim()}`);
    }
    await sleep(50);
  }
  return {
    url,
    ended,
    karta: async (...args) => {
      const { stdout } = await execa(process.execPath, [path.join(root, "cli/bin/karta.js"), ...args], {
        env,
      });
      return stdout;
    },
    stop: async () => {
      kartad.kill("SIGTERM");
      await ended;
    },
  };
}
