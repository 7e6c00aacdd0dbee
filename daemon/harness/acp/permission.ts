/**
 * What an agent may do: the project's rules first, then what was approved for this session, then people. An agent's own
 * "always" is never chosen: it would hold for every conversation on the same process, and so for other users.
 */
import path from "node:path";
import type { RequestPermissionResponse } from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { LaunchSpec, PermissionDecision, PermissionRequest, ToolSpec } from "../harness.ts";
import { plainToolName } from "./app-tools.ts";
import type { KnownCall } from "./tool-calls.ts";
import { ToolCallSchema, type ToolCall } from "./updates.ts";

/** One conversation's open questions; an agent that asks more is refused. */
export const MAX_OPEN_QUESTIONS = 32;

const RequestSchema = z.looseObject({
  sessionId: z.string(),
  toolCall: ToolCallSchema,
  options: z.array(z.looseObject({ optionId: z.string(), kind: z.string() })),
});
export type PermissionAsked = z.infer<typeof RequestSchema>;

/** @throws ZodError, which the connection answers with */
export function parsePermissionAsked(params: unknown): PermissionAsked {
  return RequestSchema.parse(params);
}

type Rules = Pick<LaunchSpec, "allowedTools" | "disallowedTools" | "permissionIntercept" | "cwd" | "tools">;
type Verdict = "allow" | "deny" | "ask";

/** One a conversation. */
export class PermissionRules {
  readonly #rules: Rules;
  /** What people approved for the session. */
  readonly #approved = new Set<string>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  verdict(call: KnownCall, asked: ToolCall): Verdict {
    const { allowedTools, disallowedTools, permissionIntercept, tools } = this.#rules;
    if (namesTool(disallowedTools, call, tools)) return "deny";
    // A rule is about the tool at work in the folder; a step out of it is a question of its own.
    if (
      !this.#leavesFolder(asked) &&
      (namesTool(allowedTools, call, tools) || this.#approved.has(likeness(call, asked)))
    )
      return "allow";
    return permissionIntercept ? "ask" : "deny";
  }

  approve(call: KnownCall, asked: ToolCall): void {
    this.#approved.add(likeness(call, asked));
  }

  #leavesFolder({ locations }: ToolCall): boolean {
    const root = path.resolve(this.#rules.cwd);
    return (locations ?? []).some(({ path: place }) => {
      const resolved = path.resolve(root, place);
      return resolved !== root && !resolved.startsWith(root + path.sep);
    });
  }
}

/**
 * By name, in any case: one rule serves Claude Code's `Write` and OpenCode's `write`. A tool of the app's goes by its
 * plain name, whatever the agent makes of it.
 */
function namesTool(rules: readonly string[], { name, kind }: KnownCall, tools: readonly ToolSpec[]): boolean {
  const names = [name, kind, plainToolName(name, tools)];
  return rules.some((rule) => {
    const wanted = (plainToolName(rule, tools) ?? rule).toLowerCase();
    return names.some((own) => own?.toLowerCase() === wanted);
  });
}

/** What an approval for the session covers: the same tool; for a command the very same command. */
function likeness({ name, kind, input }: KnownCall, asked: ToolCall): string {
  return kind === "execute" ? JSON.stringify([name, input]) : JSON.stringify([name, asked.kind ?? kind]);
}

/** What people are asked. */
export function questionOf(call: KnownCall, asked: ToolCall, signal: AbortSignal): PermissionRequest {
  const title = asked.title ?? "";
  return {
    toolUseId: call.id,
    kind: "tool_use",
    tool: call.name,
    input: call.input,
    message: title === "" || title === call.name ? `Use ${call.name}?` : `Use ${call.name}? ${title}`,
    options: [],
    signal,
  };
}

/**
 * The agent's option that says what was decided. An agent that offers no such option is told that the question was
 * cancelled, which is a no.
 */
export function permissionAnswer(
  { options }: PermissionAsked,
  decision: PermissionDecision["kind"] | "cancelled",
): RequestPermissionResponse {
  const kinds =
    decision === "allow" ? ["allow_once"] : decision === "deny" ? ["reject_once", "reject_always"] : [];
  const chosen = kinds.flatMap((kind) => options.find((option) => option.kind === kind) ?? [])[0];
  if (chosen === undefined) return { outcome: { outcome: "cancelled" } };
  return { outcome: { outcome: "selected", optionId: chosen.optionId } };
}
