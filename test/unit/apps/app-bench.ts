/** Apps with real workers and short deadlines. Workers end with the test file's spawner. */
import { readFileSync } from "node:fs";
import { Writable } from "node:stream";
import { pino } from "pino";
import { expect } from "@jest/globals";
import { APP_LIMITS, type AppLimits } from "../../../daemon/apps/app-limits.ts";
import { Apps, type AppsOptions } from "../../../daemon/apps/apps.ts";
import { checkEntryPoint } from "../../../daemon/apps/check-entry-point.ts";
import type { ProjectApp } from "../../../daemon/apps/project-app.ts";
import type { ProcessSpawner } from "../../../daemon/process/spawner.ts";
import type { AppSession, InboundMessage } from "../../../daemon/sessions/app-events.ts";
import { folderWith } from "./temp-project.ts";

export type Language = "python" | "node";
export const LANGUAGES: readonly Language[] = ["python", "node"];

/** The app that does what a message asks of it, in either language. */
export function fixtureApp(language: Language): Record<string, string> {
  const name = language === "python" ? "app.py" : "app.mjs";
  return { [name]: readFileSync(new URL(`../../fixtures/apps/${name}`, import.meta.url), "utf8") };
}

/** Short enough for a test, long enough for a busy machine to answer an honest call. */
export const SHORT: AppLimits = {
  ...APP_LIMITS,
  admitMs: 1500,
  hookMs: 500,
  cancelAnswerMs: 1500,
  cancelHeedMs: 100,
  drainMs: 300,
  firstBackoffMs: 100,
};

export interface AppBench {
  readonly apps: Apps;
  readonly app: ProjectApp;
  readonly readAnew: () => void;
  /** Every line of the log so far. */
  readonly log: () => string;
  /** Resolves when the log has a line with these words. */
  readonly logged: (words: string) => Promise<void>;
  /** The words that go on; or how it was refused. */
  readonly admit: (text: string, more?: Partial<InboundMessage>) => Promise<string>;
  readonly tool: (
    name: string,
    input: unknown,
    signal?: AbortSignal,
  ) => Promise<{ isError: boolean; content: string }>;
  readonly received: (text: string) => void;
}

export const SESSION: AppSession = {
  id: "sess_1",
  project: "bot",
  agent: "default",
  metadata: { visitor: "ada" },
  created_at: "2026-11-25T00:00:00.000Z",
  parent_id: null,
};

/** Checks the app, as `project add` does, and has a worker started for it. */
export async function appBench(
  spawner: ProcessSpawner,
  language: Language,
  files: Record<string, string>,
  limits: Partial<AppLimits> = {},
  more: Pick<AppsOptions, "memory" | "maxProcessBytes"> = {},
): Promise<AppBench> {
  const root = await folderWith(files);
  const secrets = { ORDERS_TOKEN: "tok-very-secret" };
  const check = await checkEntryPoint({
    root,
    entryPoint: { spec: "app:app", buildpack: language },
    boundEnv: secrets,
    baseEnv: { PATH: process.env.PATH },
    home: root,
    spawner,
  });
  if (!check.ok || check.worker === null) throw new Error(`no app to run: ${JSON.stringify(check)}`);

  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const write = (chunk: Buffer, _encoding: unknown, done: () => void): void => {
    lines.push(chunk.toString("utf8"));
    for (const look of waiting) look();
    done();
  };
  const logger = pino({ level: "debug" }, new Writable({ write }));
  const apps = new Apps({
    spawner,
    logger,
    now: () => Date.now(),
    elapsed: () => performance.now(),
    limits: { ...SHORT, ...limits },
    ...more,
  });
  const loaded = {
    description: check.app,
    worker: check.worker,
    context: { agents: [], skills: [] },
    secrets,
  };
  apps.use("bot", loaded);
  const app = apps.find("bot");
  if (app === null) throw new Error("the app is not there");
  return {
    apps,
    app,
    readAnew: () => apps.use("bot", loaded),
    log: () => lines.join(""),
    logged: (words) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!lines.some((line) => line.includes(words))) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    admit: async (text, more) => {
      const message = { text, participant: null, agent: "default", session: SESSION, message_count: 0 };
      const admission = await app.admit({ ...message, ...more });
      switch (admission.kind) {
        case "allow":
          return admission.text;
        case "refuse":
          return `refused: ${admission.message}`;
        case "failed":
          return "failed";
      }
    },
    tool: (name, input, signal = new AbortController().signal) =>
      app.callTool({ name, input, signal, session: SESSION, turnId: "turn_1" }),
    received: (text) =>
      app.notify({
        type: "message.received",
        session: SESSION,
        turn_id: "turn_1",
        agent: "default",
        message: { id: "msg_1", text, participant: null },
      }),
  };
}

/** How many workers run. */
export function workers(spawner: ProcessSpawner): number {
  return [...spawner.live].filter(({ purpose, exit }) => purpose === "app" && exit === null).length;
}

export function expectNoSecret(said: string): void {
  expect(said).not.toContain("tok-very-secret");
}
