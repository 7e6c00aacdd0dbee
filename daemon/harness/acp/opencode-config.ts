/**
 * OpenCode's configuration as Karta gives it, in two places that OpenCode reads before and after the project's own
 * opencode.json (seen in 1.18): what is only a default goes before, what must hold goes after. Nothing is written into
 * the project's folder.
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { newId } from "../../../shared/ids.ts";
import { TOOL_SERVER } from "../../../shared/protocol/projects.ts";
import type { SandboxPlace } from "../../process/sandbox.ts";
import type { LaunchSpec } from "../harness.ts";
import type { KeptPlaces } from "../kept-places.ts";
import { plainToolName, type AppTools } from "./app-tools.ts";
import { mcpServersFor } from "./mcp-servers.ts";
import { keptRules } from "./opencode-kept.ts";

const PROVIDER = "offline";
const MODEL = `${PROVIDER}/offline`;

/**
 * OpenCode alone asks for nothing. Karta's rule is that a tool which the project does not allow is asked for, so these
 * are asked for unless the project's opencode.json says otherwise. Its two agents that only read stay so: a rule for all
 * agents would come after theirs.
 */
function defaultConfig(mcpServers: readonly string[]): object {
  const asked = [
    "edit",
    "bash",
    "webfetch",
    "websearch",
    "codesearch",
    ...mcpServers.map((name) => `${name}_*`),
  ];
  return {
    permission: Object.fromEntries(asked.map((name) => [name, "ask"])),
    agent: { plan: { permission: { edit: "deny" } }, explore: { permission: { edit: "deny" } } },
  };
}

/** Asked for, and answered by Karta's own rules: OpenCode has one permission for all of them. */
const EDIT_TOOLS = ["edit", "write", "patch", "multiedit", "apply_patch"];

/**
 * @param offlineBaseUrl null: the project's or the operator's own providers
 * @param tools null: the app has none
 */
function bindingConfig(
  launch: LaunchSpec,
  offlineBaseUrl: string | null,
  tools: AppTools | null,
  kept: KeptPlaces,
): object {
  const refused = launch.disallowedTools
    .map((tool) => nameOf(tool, launch))
    .filter((tool) => !EDIT_TOOLS.includes(tool));
  const rules = {
    autoupdate: false,
    share: "disabled",
    mcp: { ...serversOf(launch), ...toolServerOf(tools) },
    permission: {
      ...keptRules(kept, launch),
      // Last: a tool is left out of what the model is offered where the last rule for it refuses it whatever it is used on.
      ...Object.fromEntries(refused.map((tool) => [tool, "deny"])),
    },
  };
  if (offlineBaseUrl === null) return rules;
  return {
    ...rules,
    model: MODEL,
    small_model: MODEL,
    enabled_providers: [PROVIDER],
    provider: {
      [PROVIDER]: {
        npm: "@ai-sdk/anthropic", // comes with OpenCode
        name: "Offline model: scripted replies",
        options: { baseURL: `${offlineBaseUrl}/v1`, apiKey: "offline" },
        models: { offline: { name: "Scripted replies", limit: { context: 200_000, output: 8192 } } },
      },
    },
  };
}

function tableOf(pairs: readonly { name: string; value: string }[]): object {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

/** A tool as OpenCode calls it. */
function nameOf(tool: string, { tools }: LaunchSpec): string {
  const own = plainToolName(tool, tools);
  return own === null ? tool.toLowerCase() : `${TOOL_SERVER}_${own}`;
}

/**
 * The app's own tools, by the relay: over HTTP some starts never asked for the list on a busy machine (1.18.34). The
 * timeout is for each call.
 */
function toolServerOf(tools: AppTools | null): object {
  if (tools === null) return {};
  const { command, args, env } = tools.relay();
  const environment = tableOf(env);
  return {
    [TOOL_SERVER]: { type: "local", command: [command, ...args], environment, timeout: tools.timeoutMs },
  };
}

/**
 * The project's MCP servers, once for the process. OpenCode takes them with a conversation too, but keeps one set for
 * all: each new conversation would break the others' connections off (seen in 1.18: "Not connected").
 */
function serversOf({ mcpServers, env }: LaunchSpec): object {
  const { servers } = mcpServersFor(mcpServers, env, { http: true, sse: true });
  return Object.fromEntries(
    servers.map((server) => [
      server.name,
      "command" in server
        ? { type: "local", command: [server.command, ...server.args], environment: tableOf(server.env) }
        : { type: "remote", url: server.url, headers: tableOf(server.headers) },
    ]),
  );
}

/**
 * The variables that make OpenCode read both. @param folder of Karta's own, for the file that holds the defaults
 */
export async function openCodeEnvironment(
  launch: LaunchSpec,
  options: {
    readonly folder: string;
    readonly offlineBaseUrl: string | null;
    readonly tools: AppTools | null;
    readonly kept: KeptPlaces;
  },
): Promise<Record<string, string>> {
  const { folder, offlineBaseUrl, tools, kept } = options;
  const servers = [...Object.keys(launch.mcpServers), ...(launch.tools.length === 0 ? [] : [TOOL_SERVER])];
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `${launch.project}.json`);
  const unfinished = `${file}.${newId("proc")}`; // another process of the project may be reading the file now
  await writeFile(unfinished, JSON.stringify(defaultConfig(servers)), { mode: 0o600 });
  await rename(unfinished, file);
  return {
    OPENCODE_CONFIG: file,
    OPENCODE_CONFIG_CONTENT: JSON.stringify(bindingConfig(launch, offlineBaseUrl, tools, kept)),
    ...(offlineBaseUrl === null ? {} : { OPENCODE_DISABLE_MODELS_FETCH: "1" }), // there is one model
  };
}

/** The file that `openCodeEnvironment` made, for a sandbox. */
export function configPlaces(env: Readonly<Record<string, string>>): readonly SandboxPlace[] {
  return env.OPENCODE_CONFIG === undefined ? [] : [{ path: env.OPENCODE_CONFIG, access: "read" }];
}
