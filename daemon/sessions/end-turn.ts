/** The end of a turn: its one terminal event and its row's end, stored together. */
import type { EventDraft } from "../../shared/events.ts";
import { maskShapes } from "../../shared/secret-shapes.ts";
import type { TurnEnd } from "../harness/harness.ts";
import type { SessionRuntime } from "./runtime.ts";
import type { Turn, TurnOutcome } from "./turn.ts";

function terminalEvent(outcome: TurnOutcome): EventDraft {
  switch (outcome.kind) {
    case "completed":
    case "cancelled":
      return { type: "done", data: { status: outcome.kind, message: outcome.message, usage: outcome.usage } };
    case "failed":
      return {
        type: "error",
        data: { code: outcome.code, message: outcome.detail, retryable: outcome.retryable },
      };
  }
}

/** What an agent or a model's service said of a failure may hold the key that it was given. */
function outcomeOf(turn: Turn, end: TurnEnd, mask: (text: string) => string): TurnOutcome {
  const message = turn.assembly.message();
  switch (end.kind) {
    case "completed":
    case "cancelled":
      return { kind: end.kind, message, usage: end.usage };
    case "failed":
      return {
        kind: "failed",
        code: end.code,
        detail: mask(end.message),
        retryable: end.retryable,
        hadOutput: turn.assembly.hasOutput,
        message,
        usage: end.usage,
      };
  }
}

/**
 * Stores the end and tells whoever waits. If it can't be stored (a full disk), those who wait are told all the same;
 * the next start finds the turn without an end and gives it one (recovery.ts).
 */
export async function endTurn(
  runtime: SessionRuntime,
  sessionId: string,
  turn: Turn,
  end: TurnEnd,
): Promise<TurnOutcome> {
  const outcome = outcomeOf(turn, end, runtime.mask ?? maskShapes);
  turn.move(outcome.kind);
  const now = runtime.now();
  try {
    await runtime.log.append({
      sessionId,
      turnId: turn.id,
      drafts: [terminalEvent(outcome)],
      changes: [
        {
          kind: "turn",
          id: turn.id,
          change: {
            state: outcome.kind,
            ended_at: now,
            input_tokens: outcome.usage.input_tokens,
            output_tokens: outcome.usage.output_tokens,
            cost_usd: outcome.usage.cost_usd ?? null,
          },
        },
        { kind: "session", id: sessionId, change: { updated_at: now } },
        ...(turn.input.changesAtEnd?.(outcome) ?? []),
      ],
    });
    turn.isEndStored = true;
  } catch (error) {
    runtime.logger.error({ err: error, ...turn.logContext }, "the turn's end could not be stored");
  }
  const { agent, createdAt, startedAt } = turn;
  runtime.logger.info(
    {
      ...turn.logContext,
      agent,
      waited_ms: (startedAt ?? now) - createdAt,
      ran_ms: startedAt === null ? 0 : now - startedAt,
      tokens: outcome.usage.total_tokens,
      ...(outcome.kind === "failed" ? { code: outcome.code } : {}),
    },
    `turn ${outcome.kind}`,
  );
  turn.settle(outcome);
  return outcome;
}
