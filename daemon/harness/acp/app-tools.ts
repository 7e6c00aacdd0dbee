/** An app's own tools, as an ACP agent is offered them: an MCP server of the conversation's own. */
import path from "node:path";
import type { McpServer, McpServerStdio } from "@agentclientprotocol/sdk";
import { packageRoot } from "../../../shared/paths.ts";
import { TOOL_SERVER } from "../../../shared/protocol/projects.ts";
import type { ToolCall, ToolResult, ToolSpec } from "../harness.ts";
import type { ToolEndpoint, ToolGateway } from "../tool-gateway.ts";

type RunTool = (call: ToolCall) => Promise<ToolResult>;

const NO_TURN: ToolResult = { isError: true, content: "no turn is running" };
/** Beyond the longest that a tool may take: its own deadline is the one to end it. */
const MARGIN_SECONDS = 5;

/** Owner: the conversation, or the start that is to open it. Freed by `close()`. */
export class AppTools {
  readonly endpoint: ToolEndpoint;
  /** How long the agent has to wait for a call. */
  readonly timeoutMs: number;
  /** Resolves when the agent has asked what there is. */
  readonly listed: Promise<undefined>;
  #run: RunTool | null = null;

  private constructor(endpoint: ToolEndpoint, tools: readonly ToolSpec[], listed: Promise<undefined>) {
    this.endpoint = endpoint;
    this.listed = listed;
    const longest = Math.max(...tools.map(({ timeoutSeconds }) => timeoutSeconds));
    this.timeoutMs = (longest + MARGIN_SECONDS) * 1000;
  }

  /** Null when there are none. Rejects as `ToolGateway.open`. */
  static async open(gateway: ToolGateway, tools: readonly ToolSpec[]): Promise<AppTools | null> {
    if (tools.length === 0) return null;
    const listed = Promise.withResolvers<undefined>();
    let made: AppTools | null = null;
    const call: RunTool = (asked) => made?.call(asked) ?? Promise.resolve(NO_TURN);
    const endpoint = await gateway.open({ tools, call, onListed: () => listed.resolve(undefined) });
    made = new AppTools(endpoint, tools, listed.promise);
    return made;
  }

  /** Whose calls they are, once that is known: only a turn can say who calls. */
  bind(run: RunTool): void {
    this.#run = run;
  }

  call(asked: ToolCall): Promise<ToolResult> {
    return this.#run?.(asked) ?? Promise.resolve(NO_TURN);
  }

  /** As a conversation's start takes it: over HTTP where the agent can, else by a relay that the agent starts. */
  server(takesHttp: boolean): McpServer {
    const { url, key } = this.endpoint;
    const headers = [{ name: "Authorization", value: `Bearer ${key}` }];
    return takesHttp ? { type: "http", name: TOOL_SERVER, url, headers } : this.relay();
  }

  /** A program that the agent starts and that hands each message on. */
  relay(): McpServerStdio {
    const { url, key } = this.endpoint;
    return {
      name: TOOL_SERVER,
      command: process.execPath,
      args: [path.join(packageRoot(), "daemon/bin/tool-relay.js")],
      env: [
        { name: "KARTA_TOOLS_URL", value: url },
        { name: "KARTA_TOOLS_KEY", value: key },
      ],
    };
  }

  close(): void {
    this.#run = null;
    this.endpoint.close();
  }
}

/**
 * An agent makes a name of its own for an MCP server's tool: `karta_NAME` (OpenCode), `mcp__karta__NAME` (as Claude Code),
 * `karta__NAME` (goose), `mcp_karta_NAME`, `karta/NAME`, `karta.NAME`.
 * @returns the tool's plain name; null for what is no tool of the app's
 */
export function plainToolName(name: string, tools: readonly ToolSpec[]): string | null {
  const plain =
    new RegExp(`^(?:mcp(?:__|[_.:/]))?${TOOL_SERVER}(?:__|[_.:/])(.+)$`, "i").exec(name)?.[1] ?? name;
  return tools.find((tool) => tool.name.toLowerCase() === plain.toLowerCase())?.name ?? null;
}
