/** Does what a client sent to a managed session, in order. */
import { KartaError } from "../../../../../shared/errors.ts";
import type { SentEvent } from "../../../../../shared/protocol/adapters/anthropic/events.ts";
import type { Idempotency } from "../../../../sessions/idempotency.ts";
import type { Scope } from "../../../../sessions/scope.ts";
import type { SessionService } from "../../../../sessions/service.ts";
import { eventIdAt, interruptIdOf, systemIdAt } from "./event-ids.ts";
import type { Deed } from "./read-events.ts";

export interface Doer {
  readonly sessions: SessionService;
  readonly scope: Scope;
  readonly sessionId: string;
  /** Of the request; each of its messages gets one of its own from it. */
  readonly idempotency: Idempotency | null;
}

/** @returns the events as they stand in the list now, or will @throws KartaError as `SessionService.send` and `resolveInput` */
export async function doAll(doer: Doer, deeds: readonly Deed[]): Promise<SentEvent[]> {
  const sent: SentEvent[] = [];
  for (const [place, deed] of deeds.entries()) sent.push(...(await doOne(doer, deed, place)));
  return sent;
}

async function doOne(
  { sessions, scope, sessionId, idempotency }: Doer,
  deed: Deed,
  place: number,
): Promise<SentEvent[]> {
  const processed_at = null;
  switch (deed.kind) {
    case "message": {
      const { text, images, preface, system } = deed;
      const key = idempotency === null ? null : { ...idempotency, key: `${idempotency.key}#${place}` };
      const message = { text, images, preface, thinking: true };
      const accepted = await sessions.send(scope, sessionId, message, key);
      const { acceptedSeq } = accepted.kind === "live" ? accepted.turn : accepted;
      const id = eventIdAt(sessionId, acceptedSeq);
      return [
        { id, type: "user.message", processed_at, content: [{ type: "text", text }] },
        ...(system === null
          ? []
          : [
              {
                id: systemIdAt(sessionId, acceptedSeq),
                type: "system.message" as const,
                processed_at,
                content: [{ type: "text" as const, text: system }],
              },
            ]),
      ];
    }
    case "interrupt": {
      const turnId = await sessions.cancel(scope, sessionId).catch(nothingRan);
      const id = turnId === null ? eventIdAt(sessionId, 0) : interruptIdOf(sessionId, turnId);
      return [{ id, type: "user.interrupt", processed_at }];
    }
    case "answer": {
      const { eventId, awaited, answer } = deed;
      const { resolvedSeq } = await sessions.resolveInput(scope, sessionId, awaited.requestId, answer);
      const id = eventIdAt(sessionId, resolvedSeq);
      const isDenied = answer.decision === "deny";
      switch (awaited.kind) {
        case "question":
          return [
            {
              id,
              type: "user.custom_tool_result",
              processed_at,
              custom_tool_use_id: eventId,
              is_error: isDenied,
            },
          ];
        case "tool_use":
          return [
            {
              id,
              type: "user.tool_confirmation",
              processed_at,
              tool_use_id: eventId,
              result: isDenied ? "deny" : "allow",
              ...(answer.message === undefined ? {} : { deny_message: answer.message }),
            },
          ];
      }
    }
  }
}

/** Who interrupts wants it quiet, and it is. */
function nothingRan(error: unknown): null {
  if (error instanceof KartaError && error.code === "no_turn_running") return null;
  throw error;
}
