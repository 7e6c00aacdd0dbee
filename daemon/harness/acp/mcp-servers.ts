/** `.mcp.json`'s servers in the form in which an ACP agent takes them. */
import type { McpServer } from "@agentclientprotocol/sdk";
import { z } from "zod";

const texts = z.record(z.string(), z.string());

const ServerSchema = z.union([
  z.object({ command: z.string(), args: z.array(z.string()).default([]), env: texts.default({}) }),
  z.object({ type: z.enum(["http", "sse"]).default("http"), url: z.string(), headers: texts.default({}) }),
]);

export interface HandedOn {
  readonly servers: McpServer[];
  /** Names of those that this agent cannot take, and why. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
}

/**
 * @param env what `${NAME}` and `${NAME:-default}` stand for: the project's own names alone
 * @param takes which transports besides stdio the agent announced
 */
export function mcpServersFor(
  declared: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>>,
  takes: { readonly http: boolean; readonly sse: boolean },
): HandedOn {
  const servers: McpServer[] = [];
  const leftOut: { name: string; why: string }[] = [];
  const fill = (text: string): string =>
    text.replace(
      /\$\{(\w+)(?::-([^}]*))?\}/g,
      (whole, name: string, fallback?: string) => env[name] ?? fallback ?? whole,
    );
  const pairs = (table: Readonly<Record<string, string>>): { name: string; value: string }[] =>
    Object.entries(table).map(([name, value]) => ({ name, value: fill(value) }));

  for (const [name, value] of Object.entries(declared)) {
    const { data: server } = ServerSchema.safeParse(value);
    if (server === undefined) leftOut.push({ name, why: "it has neither a command nor an url" });
    else if ("command" in server) {
      servers.push({
        name,
        command: fill(server.command),
        args: server.args.map(fill),
        env: pairs(server.env),
      });
    } else if (!takes[server.type]) {
      leftOut.push({ name, why: `the agent takes no ${server.type} servers` });
    } else {
      servers.push({ type: server.type, name, url: fill(server.url), headers: pairs(server.headers) });
    }
  }
  return { servers, leftOut };
}
