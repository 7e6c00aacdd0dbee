/** A response as it is kept: what was asked. What came of it is read off its turn's events, each time. */
import { z } from "zod";
import { KartaError } from "../../../../shared/errors.ts";
import { EVENT_DATA, isTerminal, type EventDraft, type Part } from "../../../../shared/events.ts";
import { InputItemSchema } from "../../../../shared/protocol/adapters/responses-object.ts";
import type { EventSource } from "../../../events/watcher.ts";
import { isShownOnTurn, readTurn } from "../../turn-answer.ts";
import { ResponseProjection } from "./projection.ts";
import { ResponseSettingsSchema } from "./response-object.ts";

export interface StoredResponse {
  readonly id: string;
  readonly session_id: string;
  readonly turn_id: string;
  /** The seq of the turn's `message` event. */
  readonly accepted_seq: number;
  /** The response that it goes on from; null for a first one. */
  readonly parent_id: string | null;
  /** Milliseconds since the epoch. */
  readonly created_at: number;
  /** `ResponseSettings`, as JSON. */
  readonly settings: string;
  /** `StoredInput`, as JSON. */
  readonly input: string;
}

export interface TurnEnd {
  /** `done` or `error`. */
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly data: string;
}

/** Bounded by the events' retention: a response goes with its turn's first event, and with its session. */
export interface ResponseStore {
  /** Harmless for one that is there. */
  put(response: StoredResponse): Promise<void>;
  get(id: string): Promise<StoredResponse | null>;
  /** The response of a session's newest turn that has one. */
  newestOf(sessionId: string): Promise<StoredResponse | null>;
  /** The newest message that a session accepted, by whatever API. */
  newestTurnOf(sessionId: string): Promise<string | null>;
  /** The event that ended its turn, `data` as JSON; null while it has none. */
  endOf(response: StoredResponse): Promise<TurnEnd | null>;
  /** Whether a message was sent to a session with this Idempotency-Key. */
  isKeyUsed(sessionId: string, key: string): Promise<boolean>;
  delete(id: string): Promise<void>;
}

const StoredInputSchema = z.object({
  /** As `input_items` lists them, oldest first. */
  items: z.array(InputItemSchema),
  /** What the request told of an earlier conversation, oldest first. */
  brought: z.array(z.object({ role: z.string(), text: z.string() })),
  /** The user's new message. */
  text: z.string(),
  /** The instructions that the agent goes by from then on; empty: none were given. */
  told: z.string(),
});
export type StoredInput = z.infer<typeof StoredInputSchema>;

export function inputOf(row: StoredResponse): StoredInput {
  return StoredInputSchema.parse(JSON.parse(row.input));
}

export function settingsOf(row: StoredResponse) {
  return ResponseSettingsSchema.parse(JSON.parse(row.settings));
}

/** Where its events begin. */
export function projectionOf(row: StoredResponse): ResponseProjection {
  return new ResponseProjection({ id: row.id, createdAt: row.created_at, settings: settingsOf(row) });
}

/** What a response is read from. */
export interface ResponseSources {
  readonly responses: Pick<ResponseStore, "endOf">;
  readonly eventsOf: (sessionId: string) => EventSource;
}

/** The response as its turn's events make it now. @throws KartaError `not_found` when they are no longer kept */
export async function readResponse(
  row: StoredResponse,
  { responses, eventsOf }: ResponseSources,
): Promise<ResponseProjection> {
  const source = eventsOf(row.session_id);
  const [first] = await source.page(row.accepted_seq - 1, 1);
  if (first?.seq !== row.accepted_seq) throw noSuchResponse(row.id);
  const projection = projectionOf(row);
  projection.open();
  const end = await responses.endOf(row);
  if (end?.type === "done") {
    // It holds all that was said: what came in thousands of pieces is read at once.
    const data = EVENT_DATA.done.parse(JSON.parse(end.data));
    for (const part of data.message.parts) projection.add({ ...draftOf(part), timestamp: end.timestamp });
    projection.add({ type: "done", data, timestamp: end.timestamp });
    return projection;
  }
  const events = await readTurn(source, row.turn_id, row.accepted_seq, {
    shows: (event) => isShownOnTurn(event, row.turn_id),
    endsAfter: isTerminal,
  });
  for (const event of events) projection.add(event);
  return projection;
}

/** The events that a part of the message came in, as one. */
function draftOf(part: Part): EventDraft {
  switch (part.type) {
    case "text":
      return { type: "text", data: { part, message_id: "" } };
    case "reasoning":
      return { type: "reasoning", data: { part } };
    case "tool_use": {
      const { type, ...data } = part;
      return { type, data };
    }
    case "tool_result": {
      const { type, ...data } = part;
      return { type, data };
    }
  }
}

export function noSuchResponse(id: string): KartaError {
  return new KartaError("not_found", `Response with id '${id}' not found.`, {
    fields: { param: "response_id" },
  });
}
