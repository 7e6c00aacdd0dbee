/**
 * What the last kartad left: turns without an end, because it died while they waited or ran. Each gets its terminal
 * event now, before anything else can be appended to its session. No turn is run again by itself: that would spend
 * the user's tokens twice (notes: pains).
 */
import type { Logger } from "pino";
import type { EventDraft } from "../../shared/events.ts";
import type { EventLog } from "../events/log.ts";
import type { EventRepository } from "../store/events.ts";
import type { TurnRepository } from "../store/turns.ts";

export interface RecoveryOptions {
  readonly turns: TurnRepository;
  readonly events: EventRepository;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly now: () => number;
}

/** @returns how many turns were ended */
export async function endBrokenTurns(options: RecoveryOptions): Promise<number> {
  const broken = await options.turns.listLive();
  for (const turn of broken) {
    // An approval that waited is denied by the restart: its process is gone, and a late yes must not act on anything.
    const unanswered = await options.events.openInputs(turn.session_id, turn.id);
    const { newest } = await options.events.bounds(turn.session_id);
    options.log.open(turn.session_id, newest);
    await options.log.append({
      sessionId: turn.session_id,
      turnId: turn.id,
      drafts: [
        ...unanswered.map((request_id): EventDraft => ({
          type: "input_resolved",
          data: { request_id, decision: "deny", by: "daemon_restarted" },
        })),
        {
          type: "error",
          data: {
            code: "daemon_restarted",
            message:
              turn.state === "queued"
                ? "kartad ended before this message was run; send it again"
                : "kartad ended while this turn ran; send the message again to go on",
            retryable: true,
          },
        },
      ],
      changes: [{ kind: "turn", id: turn.id, change: { state: "failed", ended_at: options.now() } }],
    });
    options.log.close(turn.session_id);
    const { id: turn_id, session_id } = turn;
    options.logger.warn({ session_id, turn_id }, "a turn of the last run was ended as daemon_restarted");
  }
  if (broken.length > 0)
    options.logger.warn({ turns: broken.length }, "turns of the last run were ended as daemon_restarted");
  return broken.length;
}
