/** The end of a turn: its one terminal event and its row's end, stored together. */
import type { EventDraft } from "../../shared/events.ts";
import { maskShapes } from "../../shared/secret-shapes.ts";
import type { TurnEnd } from "../harness/harness.ts";
import type { SessionRuntime } from "./runtime.ts";
import type { Turn, TurnOutcome } from "./turn.ts";
import type { UnstoredEnds } from "./unstored-ends.ts";

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

export interface EndTurnOptions {
  readonly sessionId: string;
  readonly turn: Turn;
  readonly end: TurnEnd;
  readonly ends: UnstoredEnds;
  /** Called once the end is in the log: before this resolves, unless the store does not take it now. */
  readonly onStored: () => void;
}

/**
 * Stores the end and tells whoever waits. If it can't be stored now (a full disk), those who wait are told so (`isEndStored`),
 * and the end is stored as soon as it can be. Where kartad dies before that, the next start gives the turn an end
 * (recovery.ts).
 */
export async function endTurn(
  runtime: SessionRuntime,
  { sessionId, turn, end, ends, onStored }: EndTurnOptions,
): Promise<TurnOutcome> {
  const outcome = outcomeOf(turn, end, runtime.mask ?? maskShapes);
  turn.move(outcome.kind);
  const now = runtime.now();
  await turn.approvals.close();
  const append = {
    sessionId,
    turnId: turn.id,
    drafts: [...turn.approvals.unstored, terminalEvent(outcome)],
    changes: [
      {
        kind: "turn" as const,
        id: turn.id,
        change: {
          state: outcome.kind,
          ended_at: now,
          input_tokens: outcome.usage.input_tokens,
          output_tokens: outcome.usage.output_tokens,
          cost_usd: outcome.usage.cost_usd ?? null,
        },
      },
      { kind: "session" as const, id: sessionId, change: { updated_at: now } },
      ...(turn.input.changesAtEnd?.(outcome) ?? []),
    ],
  };
  const logger = runtime.logger.child(turn.logContext);
  turn.isEndStored = await ends.add(append, () => {
    turn.isEndStored = true;
    logger.info("the turn's end is stored now");
    onStored();
  });
  if (turn.isEndStored) onStored();
  else logger.error("the turn's end could not be stored; it is tried again");
  const { agent, createdAt, startedAt } = turn;
  logger.info(
    {
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
