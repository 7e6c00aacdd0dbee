/** A project's own tools, as Claude Code knows them. */
import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { TOOL_SERVER } from "../../../shared/protocol/projects.ts";
import type { LaunchSpec, ToolCall, ToolResult } from "../harness.ts";
import { toolServer } from "../tool-server.ts";

/** Claude Code's own name of an MCP server's tool. */
function nameOf(tool: string): string {
  return `mcp__${TOOL_SERVER}__${tool}`;
}

/**
 * The rules of karta.toml with the app's tools by their plain names too: `look_up_order` stands for
 * `mcp__karta__look_up_order`, which is taken as well.
 */
export function withToolNames(rules: readonly string[], { tools }: LaunchSpec): string[] {
  const own = new Set(tools.map(({ name }) => name));
  return rules.flatMap((rule) => (own.has(rule) ? [rule, nameOf(rule)] : [rule]));
}

/** The server that offers the tools, inside kartad; nothing when there are none. */
export async function toolOptions(
  { tools }: LaunchSpec,
  call: (call: ToolCall) => Promise<ToolResult>,
): Promise<Pick<Options, "mcpServers">> {
  if (tools.length === 0) return {};
  // Without it Claude Code may keep MCP tools behind a search tool: these few are what the app is about.
  const meta = { "anthropic/alwaysLoad": true };
  const instance = await toolServer({ tools, call, meta });
  return { mcpServers: { [TOOL_SERVER]: { type: "sdk", name: TOOL_SERVER, instance } } };
}
