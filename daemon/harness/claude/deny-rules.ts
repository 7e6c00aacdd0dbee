/** What Claude Code refuses its tools: rules of its own for the fixed places, and Karta's look at each call for the rest. */
import path from "node:path";
import { z } from "zod";
import type { HookCallback, Options, PreToolUseHookInput, Settings } from "@anthropic-ai/claude-agent-sdk";
import type { KeptPlaces, ToolScene } from "../kept-places.ts";

/** The operator's commands, and what /proc shows of kartad itself. */
const ALWAYS = [
  "Bash(karta:*)",
  "Bash(kartad:*)",
  ...["environ", "mem", "root/**", "cwd/**", "fd/**", "task/**"].map((name) => `Read(//proc/*/${name})`),
];

const GlobSchema = z.looseObject({ pattern: z.string() });

/**
 * A deny rule holds in every mode, and no other setting takes it back. Claude Code also reads shell commands for them (`cat`,
 * redirections, `cd`, variables set in the command itself), which it calls best effort.
 * @param secrets absolute; folders are closed with all that is in them
 */
export function denyRules(secrets: readonly string[]): NonNullable<Settings["permissions"]> {
  const rules = secrets.flatMap((place) => {
    const pattern = `/${escaped(place)}`; // two slashes: from the root of the file system
    return [`Read(${pattern})`, `Edit(${pattern})`];
  });
  return { deny: [...ALWAYS, ...rules] };
}

/** What a rule would take for a pattern. */
function escaped(place: string): string {
  return place.replaceAll(/[\\*?[\]!()]/g, (character) => `\\${character}`);
}

/** Asked before each call of a tool, in every mode, before any rule. */
export function keepingHook(kept: KeptPlaces, scene: () => ToolScene): NonNullable<Options["hooks"]> {
  const look: HookCallback = async (input) => {
    if (input.hook_event_name !== "PreToolUse") return {};
    const refusal = await kept.refusal(inputOf(input), scene());
    if (refusal === null) return {};
    return {
      hookSpecificOutput: {
        hookEventName: "PreToolUse",
        permissionDecision: "deny",
        permissionDecisionReason: refusal,
      },
    };
  };
  return { PreToolUse: [{ hooks: [look] }] };
}

/** `Glob`'s pattern may name a folder of its own to search in, as no other tool's does. */
function inputOf({ tool_name, tool_input }: Pick<PreToolUseHookInput, "tool_name" | "tool_input">): unknown {
  const { pattern } = GlobSchema.safeParse(tool_name === "Glob" ? tool_input : null).data ?? {};
  return pattern === undefined ? tool_input : { tool_input, search: { pattern, glob: pattern } };
}

/** Of the kept places, what is a conversation's own: its files, and what Claude Code puts aside for it. */
export function ownPaths(options: {
  readonly cwd: string;
  readonly home: string;
  readonly temp: string | null;
  readonly configDir: string;
  /** Where the conversations of its folder are. */
  readonly conversations: string;
  readonly threadId: string;
}): readonly string[] {
  const { cwd, home, temp, configDir, conversations, threadId } = options;
  return [
    ...[cwd, home, ...(temp === null ? [] : [temp])],
    ...[
      path.join(conversations, threadId),
      path.join(conversations, "memory"),
      path.join(configDir, "plans"),
    ],
  ];
}
