/** What an agent asks leave for in a conversation's turns: answered by the rules, or by people. */
import type { RequestPermissionResponse } from "@agentclientprotocol/sdk";
import type { LaunchSpec } from "../harness.ts";
import {
  MAX_OPEN_QUESTIONS,
  permissionAnswer,
  PermissionRules,
  questionOf,
  type PermissionAsked,
} from "./permission.ts";
import type { RunningTurn } from "./running-turn.ts";

/** One a conversation: it remembers what was approved for the session. */
export class Questions {
  readonly #rules: PermissionRules;
  readonly #refusal: (input: unknown) => Promise<string | null>;

  /** @param refusal as `KeptPlaces.refusal`, of this conversation */
  constructor(launch: LaunchSpec, refusal: (input: unknown) => Promise<string | null>) {
    this.#rules = new PermissionRules(launch);
    this.#refusal = refusal;
  }

  /** @param turn null: none runs, and nothing is allowed */
  async answer(
    turn: RunningTurn | null,
    asked: PermissionAsked,
    withdrawn: AbortSignal,
  ): Promise<RequestPermissionResponse> {
    if (turn === null || turn.ending.signal.aborted || turn.openQuestions >= MAX_OPEN_QUESTIONS)
      return permissionAnswer(asked, "cancelled");
    turn.openQuestions += 1;
    try {
      return await this.#decide(turn, asked, AbortSignal.any([withdrawn, turn.ending.signal]));
    } finally {
      turn.openQuestions -= 1;
    }
  }

  async #decide(
    turn: RunningTurn,
    asked: PermissionAsked,
    signal: AbortSignal,
  ): Promise<RequestPermissionResponse> {
    const call = await turn.translator.asked(asked.toolCall);
    if (signal.aborted) return permissionAnswer(asked, "cancelled");
    const { locations } = asked.toolCall;
    if ((await this.#refusal({ input: call.input, locations })) !== null)
      return permissionAnswer(asked, "deny");
    switch (this.#rules.verdict(call, asked.toolCall)) {
      case "allow":
        return permissionAnswer(asked, "allow");
      case "deny":
        return permissionAnswer(asked, "deny");
      case "ask":
        break;
    }
    const decision = await turn.request.decide(questionOf(call, asked.toolCall, signal));
    if (isAborted(signal)) return permissionAnswer(asked, "cancelled");
    if (decision.kind === "allow" && decision.scope === "session") this.#rules.approve(call, asked.toolCall);
    return permissionAnswer(asked, decision.kind);
  }
}

/** Asked again, after a wait. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
