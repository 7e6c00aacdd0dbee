/** The operator who watches everything: one `karta sessions tail --json` for the whole run, over every restart. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { SessionEventSchema } from "../../../../../shared/events.ts";
import { packageRoot } from "../../../../../shared/paths.ts";
import { markOf, type Ledger } from "../ledger.ts";
import type { Scene } from "../scene.ts";

const CATCH_UP_MS = 20_000;

export interface Tail {
  /** Waits until it has told of so many events, or cannot, and ends it. */
  finish(events: number): Promise<void>;
}

/** It tells of every event that there is. */
export async function beginTail({ kartad, home }: Scene, ledger: Ledger): Promise<Tail> {
  const { env } = await kartad.ready();
  const args = [
    path.join(packageRoot(), "cli/bin/karta.js"),
    "sessions",
    "tail",
    "--json",
    "--include-system",
    ...["--since", "0"], // it may come when the first events are there already
  ];
  const child = spawn(process.execPath, args, { env, cwd: home.folder, stdio: ["ignore", "pipe", "pipe"] });
  let trouble = "";
  child.stderr.on("data", (chunk: Buffer) => (trouble += chunk.toString()));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = SessionEventSchema.parse(JSON.parse(line));
    ledger.tailed.push({ session: event.session_id, ...markOf(event) });
  });
  const ended = once(child, "close");
  return {
    finish: async (events) => {
      const deadline = performance.now() + CATCH_UP_MS;
      while (ledger.tailed.length < events && performance.now() < deadline && child.exitCode === null)
        await delay(50);
      if (child.exitCode !== null) ledger.surprise("tail", new Error(`it ended: ${trouble}`));
      child.kill("SIGINT");
      await ended;
    },
  };
}
