/** How a Claude Code turn ended, from its result message. */
import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import type { Usage } from "../../../shared/events.ts";
import type { TurnEnd } from "../harness.ts";

type Result = Extract<SDKMessage, { type: "result" }>;

/** True for what another try of the same request may mend: overload, rate limits, server faults. */
function retryableStatus(status: number | null): boolean {
  return status === null || status === 408 || status === 429 || status >= 500;
}

/** A refused credential: no retry will mend it. */
export function isAuthStatus(status: number | null | undefined): boolean {
  return status === 401 || status === 403;
}

export function modelAuthFailure(usage: Usage): TurnEnd {
  return {
    kind: "failed",
    code: "model_auth",
    message:
      "the model's service refused the credential; check the key that kartad was started with (`karta status`)",
    retryable: false,
    usage,
  };
}

/**
 * @param cancelled whether Karta asked for the turn's end
 */
export function turnEnd(result: Result, usage: Usage, cancelled: boolean): TurnEnd {
  if (cancelled) return { kind: "cancelled", usage };
  if (!result.is_error) return { kind: "completed", usage };
  switch (result.subtype) {
    case "success": {
      // An API error comes as a "success" whose text is the error.
      const status = result.api_error_status ?? null;
      if (isAuthStatus(status)) return modelAuthFailure(usage);
      return {
        kind: "failed",
        code: "model_error",
        message: result.result,
        retryable: retryableStatus(status),
        usage,
      };
    }
    default:
      return {
        kind: "failed",
        code: "model_error",
        message: result.errors.join("; ") || result.subtype,
        retryable: false,
        usage,
      };
  }
}
