/** ACP agents of `test/fixtures/acp` behind the real harness. */
import path from "node:path";
import { AcpHarness, type AcpOptions } from "../../daemon/harness/acp/acp-harness.ts";
import type {
  AgentProcess,
  HarnessEvent,
  LaunchSpec,
  PermissionDecision,
  PermissionRequest,
  Thread,
  ToolCall,
  ToolResult,
  TurnEnd,
  TurnImage,
} from "../../daemon/harness/harness.ts";
import { KeptPlaces } from "../../daemon/harness/kept-places.ts";
import { ToolGateway } from "../../daemon/harness/tool-gateway.ts";
import type { ProcessSpawner } from "../../daemon/process/spawner.ts";
import { packageRoot } from "../../shared/paths.ts";
import { silent } from "../unit/apps/temp-project.ts";
import { launchSpec } from "./sessions.ts";

/** What starts a program of `test/fixtures/acp`, as `[harness] command` has it. */
export function acpCommand(program: string, ...args: string[]): string[] {
  return [process.execPath, path.join(packageRoot(), "test/fixtures/acp", program), ...args];
}

/** What one turn said and how it ended. */
export interface TurnSaid {
  readonly end: TurnEnd;
  readonly events: readonly HarnessEvent[];
  readonly text: string;
}

export interface AcpBench {
  readonly harness: AcpHarness;
  readonly start: (
    command: readonly string[],
    launch?: Partial<LaunchSpec>,
    thread?: Thread,
    signal?: AbortSignal,
  ) => Promise<AgentProcess>;
}

/** @param folder of the agents: their cwd, their HOME, and Karta's own */
export function acpBench(
  spawner: ProcessSpawner,
  folder: string,
  options: Partial<AcpOptions> = {},
): AcpBench {
  const harness = new AcpHarness("acp", {
    daemonEnv: { PATH: process.env.PATH },
    folder: path.join(folder, "karta"),
    offlineBaseUrl: null,
    spawner,
    tools: new ToolGateway({ logger: silent }),
    kept: new KeptPlaces({ sealed: [], mixed: [] }),
    logger: silent,
    ...options,
  });
  return {
    harness,
    start: (command, launch = {}, thread = { kind: "new" }, signal = new AbortController().signal) =>
      harness.start({
        launch: launchSpec({ cwd: folder, home: folder, command, ...launch }),
        thread,
        spawner,
        signal,
      }),
  };
}

/** Runs a turn to its end. @param decide what people say; no when left out */
export async function turnOf(
  agent: AgentProcess,
  text: string,
  decide: (request: PermissionRequest) => Promise<PermissionDecision> = () =>
    Promise.resolve({ kind: "deny", message: "no" }),
  images: readonly TurnImage[] = [],
  callTool: (call: ToolCall) => Promise<ToolResult> = () =>
    Promise.resolve({ isError: true, content: "no such tool" }),
): Promise<TurnSaid> {
  const events: HarnessEvent[] = [];
  const end = await agent.run({
    messageId: "msg_test",
    callTool,
    text,
    images,
    emit: (event) => void events.push(event),
    decide,
  });
  return { end, events, text: events.map((event) => (event.type === "text" ? event.text : "")).join("") };
}
