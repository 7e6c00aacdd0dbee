/** What a project's folder holds, for people. */
import type { Issue } from "../../shared/errors.ts";
import type { Discovered, Project, ProjectHealth, ProjectReport } from "../../shared/protocol/projects.ts";
import { oneLine } from "./harmless.ts";
import type { Paint, Style } from "./paint.ts";
import { details } from "./table.ts";
import { columnsOf } from "./width.ts";

type Found = ProjectReport["project"];

/** Path, harness, agents, skills, entry point and MCP servers, one a line. */
export function foundText(
  project: Found,
  paint: Paint,
  more: readonly (readonly [string, string])[] = [],
): string {
  const entry = project.entry_point;
  return details(
    [
      ["path", oneLine(project.path)],
      ["version", oneLine(project.version)],
      ["harness", project.harness],
      ["agents", discovered(project.agents)],
      ["skills", discovered(project.skills)],
      ["entry point", entry === null ? "none" : `${oneLine(entry.spec)} (${entry.buildpack})`],
      ["app", appText(project.app)],
      [
        "MCP servers",
        project.mcp_servers.length === 0 ? "none" : project.mcp_servers.map(oneLine).join(", "),
      ],
      ["permissions", project.permission_mode],
      ["workspace", project.workspace],
      ...more,
    ],
    paint,
  );
}

/** `2 hooks, 1 policy, tools: look_up_order`, or `nothing registered`. */
function appText({ hooks, policies, tools }: Found["app"]): string {
  const parts = [
    ...(hooks.length === 0 ? [] : [`${hooks.length} ${hooks.length === 1 ? "hook" : "hooks"}`]),
    ...(policies.length === 0 ? [] : [`${policies.length} ${policies.length === 1 ? "policy" : "policies"}`]),
    ...(tools.length === 0 ? [] : [`tools: ${tools.map(oneLine).join(", ")}`]),
  ];
  return parts.length === 0 ? "nothing registered" : parts.join(", ");
}

function discovered(items: readonly Discovered[]): string {
  if (items.length === 0) return "none";
  return items
    .map(({ name, description }) => oneLine(description === "" ? name : `${name}: ${description}`))
    .join("\n");
}

/** Each warning or issue on a line of its own: `  karta.toml: pool.spares  expected …`. */
export function issueLines(issues: readonly Issue[]): string[] {
  const paths = issues.map(({ path }) => oneLine(path));
  const width = Math.max(0, ...paths.map(columnsOf));
  return issues.map(({ message }, index) => {
    const path = paths[index] ?? "";
    return `  ${path}${" ".repeat(width - columnsOf(path))}  ${oneLine(message)}`;
  });
}

/** `ready`, `checking`, or `failed: why`. */
export function healthText(health: ProjectHealth): string {
  return health.state === "failed" ? `failed: ${oneLine(health.detail)}` : health.state;
}

export function healthStyle({ health }: Pick<Project, "health">): Style {
  switch (health.state) {
    case "ready":
      return "green";
    case "checking":
      return "yellow";
    case "failed":
      return "red";
  }
}

/** The two ways to go on: talk to it here, or over HTTP. @param wantsKey whether HTTP wants a credential */
export function nextSteps(name: string, url: string | null, wantsKey: boolean): string {
  const chat = `  karta chat ${name}`;
  if (url === null) return `Next:\n${chat}`;
  const body = JSON.stringify({ project: name });
  // "All addresses" is one to listen on, not one to call.
  const base = url.replace(/\/$/, "").replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const key = wantsKey ? ' -H "Authorization: Bearer $KARTA_API_KEY"' : "";
  return `Next:\n${chat}\n  curl ${base}/v1/sessions${key} -H 'Content-Type: application/json' -d '${body}'`;
}
