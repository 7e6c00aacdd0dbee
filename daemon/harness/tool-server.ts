/**
 * A project's tools as an MCP server, which is how a harness is offered tools that are not its own. It is not bound to a
 * transport: the Agent SDK takes it as it is, inside kartad; another harness connects it to stdio or loopback HTTP.
 */
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { packageVersion } from "../../shared/paths.ts";
import { TOOL_SERVER } from "../../shared/protocol/projects.ts";
import type { ToolCall, ToolResult, ToolSpec } from "./harness.ts";

export interface ToolServerOptions {
  readonly tools: readonly ToolSpec[];
  /** Never rejects. */
  readonly call: (call: ToolCall) => Promise<ToolResult>;
  /** The list was asked for. */
  readonly onListed?: () => void;
  /** Goes with each tool of the list: hints for one harness. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** Owner: the agent process it is made for; it holds nothing but itself. */
export async function toolServer({ tools, call, meta, onListed }: ToolServerOptions): Promise<McpServer> {
  // 11 MB and a tenth of a second, which a kartad without such projects does without.
  const { McpServer } = await import("@modelcontextprotocol/sdk/server/mcp.js");
  const { CallToolRequestSchema, ListToolsRequestSchema } =
    await import("@modelcontextprotocol/sdk/types.js");
  const mcp = new McpServer(
    { name: TOOL_SERVER, version: packageVersion() },
    { capabilities: { tools: {} } },
  );
  // The plain handlers rather than `registerTool`: the schemas are JSON already, and are checked where the tools run.
  mcp.server.setRequestHandler(ListToolsRequestSchema, () => {
    onListed?.();
    return {
      tools: tools.map(({ name, description, inputSchema }) => ({
        name,
        description,
        inputSchema: { ...inputSchema, type: "object" as const },
        ...(meta === undefined ? {} : { _meta: meta }),
      })),
    };
  });
  mcp.server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const { isError, content } = await call({ name: params.name, input: params.arguments ?? {}, signal });
    return { isError, content: [{ type: "text", text: content }] };
  });
  return mcp;
}
