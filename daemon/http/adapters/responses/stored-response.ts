/** A response as it is kept: what was asked. What came of it is read off its turn's events, each time. */
import { z } from "zod";
import { KartaError } from "../../../../shared/errors.ts";
import { isTerminal } from "../../../../shared/events.ts";
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

/** Bounded by the events' retention: a response goes with its turn's first event, and with its session. */
export interface ResponseStore {
  /** Harmless for one that is there. */
  put(response: StoredResponse): Promise<void>;
  get(id: string): Promise<StoredResponse | null>;
  /** The response of a session's newest turn that has one. */
  newestOf(sessionId: string): Promise<StoredResponse | null>;
  /** The newest message that a session accepted, by whatever API. */
  newestTurnOf(sessionId: string): Promise<string | null>;
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

/** The response as its turn's events make it now. @throws KartaError `not_found` when they are no longer kept */
export async function readResponse(row: StoredResponse, source: EventSource): Promise<ResponseProjection> {
  const [first] = await source.page(row.accepted_seq - 1, 1);
  if (first?.seq !== row.accepted_seq) throw noSuchResponse(row.id);
  const projection = projectionOf(row);
  projection.open();
  const events = await readTurn(source, row.turn_id, row.accepted_seq, {
    shows: (event) => isShownOnTurn(event, row.turn_id),
    endsAfter: isTerminal,
  });
  for (const event of events) projection.add(event);
  return projection;
}

export function noSuchResponse(id: string): KartaError {
  return new KartaError("not_found", `Response with id '${id}' not found.`, {
    fields: { param: "response_id" },
  });
}
