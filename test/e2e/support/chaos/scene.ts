/** The machine of a chaos run: a kartad that is kept running, on a small disk, behind a proxy that cuts connections. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { acpCommand } from "../../../support/acp.ts";
import { cuttingProxy, type CuttingProxy } from "../../../support/cutting-proxy.ts";
import { makeHome, type TestHome } from "../../../support/kartad.ts";
import { startBeside } from "../../../support/scripted-kartad.ts";
import { smallDisk } from "../../../support/small-disk.ts";
import { KeptKartad } from "./kept-kartad.ts";
import type { ChaosPlan } from "./plan.ts";

/** Scripted agents; the real Claude Code; a real agent of the Agent Client Protocol. */
export const PROJECTS = ["scripted", "claude", "acp"] as const;
export type Project = (typeof PROJECTS)[number];

const OFFLINE = `
first_token_ms = 20
tokens_per_second = 100
[default]
text = "You said {{last_user}}; this is what I have to say to that, in not so many words."
`;

/** Approvals and turns that nobody ends are over soon: a run ends when all of its turns have. */
function karta(harness: string, runtime: string, pool: string): string {
  return `[harness]\n${harness}\n[runtime]\n${runtime}\n[pool]\n${pool}\n`;
}

/** The disk of kartad's state folder. */
export interface StateDisk {
  /** Whether it has been full since then, by `performance.now()`. */
  wasFull(since: number): boolean;
  fill(): void;
  free(): void;
}

export interface Scene {
  readonly home: TestHome;
  readonly kartad: KeptKartad;
  readonly proxy: CuttingProxy;
  /** Null where this machine gives us no small disk. */
  readonly disk: StateDisk | null;
  /** Kartad's state folder as this process reads it. */
  readonly state: string;
  /** Every line that kartad has logged, in all of its lives: the file, and standard error while the disk was full. */
  log(): string;
  remove(): Promise<void>;
}

export async function makeScene(plan: ChaosPlan, onTrouble: (what: string) => void): Promise<Scene> {
  const small = await smallDisk(plan.diskMegabytes);
  const isSmall = !("unavailable" in small);
  if (!isSmall) process.stderr.write(`chaos: the disk is not filled: ${small.unavailable}\n`);
  let [isFull, freedAt] = [false, -Infinity];
  const disk: StateDisk | null = !isSmall
    ? null
    : {
        wasFull: (since) => isFull || freedAt >= since,
        fill: () => {
          isFull = true;
          small.fill();
        },
        free: () => {
          small.free();
          [isFull, freedAt] = [false, performance.now()];
        },
      };
  const home = makeHome(isSmall ? { disk: small } : {});
  const state = isSmall ? path.join(small.seen, "state") : home.state;
  mkdirSync(state, { recursive: true });
  writeFileSync(path.join(state, "kartad.toml"), "max_processes = 40\ndrain_seconds = 2\n");
  const kartad = new KeptKartad({
    start: () => startBeside(home),
    onTrouble,
    mayNotStart: (since) => disk?.wasFull(since) === true,
  });
  await kartad.start();
  const proxy = await cuttingProxy(() => kartad.url);
  const real = "turn_timeout_seconds = 20\napproval_timeout_seconds = 4";
  const folders: Readonly<Record<Project, Readonly<Record<string, string>>>> = {
    scripted: {
      "CLAUDE.md": "# Bot\n",
      "karta.toml": karta(
        'type = "goose"',
        "turn_timeout_seconds = 5\napproval_timeout_seconds = 3",
        "spares = 1\nmax_processes = 30\nidle_timeout_seconds = 3",
      ),
    },
    claude: {
      "CLAUDE.md": "# Bot\n",
      "offline.toml": OFFLINE,
      "karta.toml": karta(
        'type = "claude-code"',
        real,
        `spares = 0\nmax_processes = ${Math.min(3, plan.realSessions)}`,
      ),
    },
    acp: {
      "AGENTS.md": "# Bot\n",
      "offline.toml": OFFLINE,
      "karta.toml": karta(
        `type = "acp"\ncommand = ${JSON.stringify(acpCommand("small-agent.ts"))}`,
        real,
        `spares = 0\nmax_processes = ${Math.min(3, plan.realSessions)}`,
      ),
    },
  };
  for (const name of PROJECTS) await home.operator.addProject(home.project(name, folders[name]), name);
  return {
    home,
    kartad,
    proxy,
    disk,
    state,
    log: () => {
      const folder = path.join(state, "logs");
      const files = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), "utf8"));
      return [...files, ...kartad.logs.map((said) => said())].join("\n");
    },
    remove: async () => {
      await proxy.close();
      kartad.release();
      await home.end();
      await home.remove();
      if (isSmall) await small.remove();
    },
  };
}
