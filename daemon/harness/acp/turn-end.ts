/** How a prompt ended, from the agent's answer or its error. */
import { RequestError } from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { Usage } from "../../../shared/events.ts";
import type { TurnEnd } from "../harness.ts";

const AnswerSchema = z.looseObject({ stopReason: z.string() });
const AUTH_REQUIRED = -32_000;
/** The SDK's own error for a request that was no longer waited for. */
const GIVEN_UP = -32_800;

const DetailSchema = z.union([
  z.looseObject({ details: z.string() }).transform(({ details }) => details),
  z.looseObject({ message: z.string() }).transform(({ message }) => message),
]);

/** @param cancelled whether Karta asked for the turn's end */
export function answeredEnd(answer: unknown, usage: Usage, cancelled: boolean): TurnEnd {
  if (cancelled) return { kind: "cancelled", usage };
  const reason = AnswerSchema.safeParse(answer).data?.stopReason;
  switch (reason) {
    case "cancelled":
      return { kind: "cancelled", usage };
    case "refusal":
      return failed("model_error", "the model refused to answer", false, usage);
    case "max_turn_requests":
      return failed("model_error", "the agent reached its own limit of requests to the model", true, usage);
    case undefined:
      return failed("harness_crashed", "the agent's answer has no stop reason", true, usage);
    default:
      return { kind: "completed", usage }; // end_turn, max_tokens, and reasons of a newer protocol
  }
}

export function refusedEnd(error: unknown, usage: Usage, cancelled: boolean): TurnEnd {
  if (cancelled) return { kind: "cancelled", usage };
  const message = messageOf(error);
  if (error instanceof RequestError && (error.code === AUTH_REQUIRED || isAuthMessage(message)))
    return failed(
      "model_auth",
      `the model's service refused the credential (${message}); check the key that kartad was started with (\`karta doctor\`)`,
      false,
      usage,
    );
  return failed("model_error", message, true, usage);
}

/** Agents tell a refused key in words alone: Anthropic's, OpenAI's and Google's own. */
function isAuthMessage(message: string): boolean {
  return /invalid x-api-key|authentication_error|incorrect api key|invalid api key|api key not valid|unauthorized/i.test(
    message,
  );
}

/** The agent's own words, without the protocol's. */
export function messageOf(error: unknown): string {
  if (!(error instanceof RequestError)) return error instanceof Error ? error.message : String(error);
  if (error.code === GIVEN_UP) return "it did not answer in time";
  const words = error.message.replace(/^(Internal error|Invalid params|Invalid request): /, "");
  const detail = DetailSchema.safeParse(error.data).data;
  return detail === undefined || words.includes(detail) ? words : `${words}: ${detail}`;
}

function failed(
  code: "model_error" | "model_auth" | "harness_crashed",
  message: string,
  retryable: boolean,
  usage: Usage,
): TurnEnd {
  return { kind: "failed", code, message, retryable, usage };
}
