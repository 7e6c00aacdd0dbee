/** Tools of MCP servers among an agent's. */

export interface McpTool {
  readonly server: string;
  readonly name: string;
}

/** `mcp__server__tool`, as Claude Code names one; null: a tool of the agent's own. */
export function mcpToolOf(tool: string): McpTool | null {
  const [, server, name] = /^mcp__(.+?)__(.+)$/.exec(tool) ?? [];
  return server === undefined || name === undefined ? null : { server, name };
}
