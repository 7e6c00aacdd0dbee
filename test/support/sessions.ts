/** Sessions on a real store and a real pool, with the scripted harness behind them. Processes end with the spawner. */
import type { LaunchSpec, PermissionRequest } from "../../daemon/harness/harness.ts";
import { Pool } from "../../daemon/pool/pool.ts";
import type { ProcessSpawner } from "../../daemon/process/spawner.ts";
import type { SessionApp, SessionProject, SessionRuntime } from "../../daemon/sessions/runtime.ts";
import type { Scope } from "../../daemon/sessions/scope.ts";
import { SessionService } from "../../daemon/sessions/service.ts";
import type { Turn, TurnOutcome } from "../../daemon/sessions/turn.ts";
import { KartaError } from "../../shared/errors.ts";
import type { SessionEvent } from "../../shared/events.ts";
import { isTerminal } from "../../shared/events.ts";
import type { SendMessage } from "../../shared/protocol/sessions.ts";
import { LoggedEvent } from "../../daemon/events/logged-event.ts";
import { ScriptedHarness } from "../fixtures/scripted-harness.ts";
import { silent } from "../unit/apps/temp-project.ts";
import type { StoreBench } from "./store.ts";

export const EVERYWHERE: Scope = { kind: "all" };

/** What an agent asks when it wants to use a tool. */
export const mayWrite = (): PermissionRequest => ({
  toolUseId: "t1",
  kind: "tool_use",
  tool: "Write",
  input: {},
  message: "Use Write?",
  options: [],
  signal: new AbortController().signal,
});

export function launchSpec(given: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    project: "bot",
    projectVersion: "dev",
    cwd: "/",
    home: "/",
    agent: null,
    hasAgents: true,
    model: null,
    allowedTools: [],
    disallowedTools: [],
    thinkingBudgetTokens: null,
    permissionIntercept: true,
    tools: [],
    command: null,
    mcpServers: {},
    env: {},
    sandbox: false,
    ...given,
  };
}

export interface SessionBench {
  readonly harness: ScriptedHarness;
  readonly pool: Pool;
  readonly runtime: SessionRuntime;
  readonly sessions: SessionService;
  /** Sessions whose workspace was discarded. */
  readonly discarded: string[];
  /** What the project is like; a test may change it. */
  readonly project: { -readonly [K in keyof SessionProject]: SessionProject[K] };
  readonly create: () => Promise<string>;
  readonly send: (id: string, text: string, more?: Partial<SendMessage>) => Promise<Turn>;
  /** Sends and waits for the turn's end. */
  readonly ask: (id: string, text: string, more?: Partial<SendMessage>) => Promise<TurnOutcome>;
  /** A session's stored events. */
  readonly events: (id: string) => Promise<SessionEvent[]>;
  /** Each turn's terminal events: there must be exactly one. */
  readonly terminals: (id: string) => Promise<Record<string, string[]>>;
}

export function sessionBench(
  bench: StoreBench,
  spawner: ProcessSpawner,
  options: { maxProcesses?: number } = {},
): SessionBench {
  const harness = new ScriptedHarness();
  const now = () => Date.now();
  const pool = new Pool({
    spawner,
    logger: silent,
    now,
    maxProcesses: options.maxProcesses ?? 50,
    patienceMs: 50,
  });
  const discarded: string[] = [];
  const project = {
    name: "bot",
    version: "dev",
    agents: ["billing"],
    permissionMode: "interactive" as const,
    turnTimeoutMs: 60_000,
    approvalTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    maxProcesses: 50,
    spares: 0,
    harness,
    app: (): Promise<SessionApp | null> => Promise.resolve(null),
    commonLaunch: (agent: string) =>
      Promise.resolve(launchSpec({ agent: agent === "default" ? null : agent })),
    requireReady: () => {
      if (harness.unavailable !== null) throw new KartaError("harness_unavailable", harness.unavailable);
    },
    launch: (_sessionId: string, agent: string) =>
      Promise.resolve(launchSpec({ agent: agent === "default" ? null : agent })),
    prepareWorkspace: () => Promise.resolve(),
    putFile: (_sessionId: string, name: string) => Promise.resolve(`uploads/${name}`),
  };
  const runtime: SessionRuntime = {
    sessions: bench.store.sessions,
    turns: bench.store.turns,
    participants: bench.store.participants,
    events: bench.store.events,
    log: bench.log,
    pool,
    projects: {
      find: (name) => (name === project.name ? project : null),
      findDefault: () => project,
      discardWorkspace: async (_project, sessionId) => void discarded.push(sessionId),
    },
    logger: silent,
    now,
    cancelGraceMs: 50,
  };
  const sessions = new SessionService(runtime);
  const send: SessionBench["send"] = async (id, text, more = {}) => {
    const accepted = await sessions.send(EVERYWHERE, id, { text, ...more });
    if (accepted.kind !== "live") throw new Error("a send without a key is a turn of its own");
    return accepted.turn;
  };
  const events = async (id: string): Promise<SessionEvent[]> =>
    (await bench.store.events.page(id, 0, 10_000)).map((row) => new LoggedEvent(row).parse());
  return {
    harness,
    pool,
    runtime,
    sessions,
    discarded,
    project,
    create: async () => (await sessions.create(EVERYWHERE, {})).id,
    send,
    ask: async (id, text, more) => (await send(id, text, more)).outcome,
    events,
    terminals: async (id) => {
      const found: Record<string, string[]> = {};
      for (const event of await events(id)) {
        if (event.turn_id === null) continue;
        const ends = (found[event.turn_id] ??= []);
        if (isTerminal(event)) ends.push(event.type);
      }
      return found;
    },
  };
}
