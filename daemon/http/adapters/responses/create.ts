/** `POST /responses`: a request becomes a turn of a session, and a response that is kept. */
import type { CreateResponse } from "../../../../shared/protocol/adapters/responses.ts";
import { invalidField } from "../../invalid-field.ts";
import type { Idempotency } from "../../../sessions/idempotency.ts";
import type { Scope } from "../../../sessions/scope.ts";
import type { AdapterOptions } from "../adapter.ts";
import { chooseModel, type ChosenModel } from "../model.ts";
import { prefaceOf } from "../preface.ts";
import { turnIdOf, type RunningTurn } from "../turn.ts";
import { conversationIdOf, responseIdOf } from "./ids.ts";
import { readInput, type GivenInput } from "./input.ts";
import { listedInput } from "./listed-input.ts";
import { requireServable } from "./parameters.ts";
import { Places, type Anchor, type Place } from "./place.ts";
import type { ResponseSettings } from "./response-object.ts";
import type { StoredInput, StoredResponse } from "./stored-response.ts";

export interface CreateRequest {
  readonly scope: Scope;
  readonly body: CreateResponse;
  readonly idempotency: Idempotency | null;
  /** The session that a header names. */
  readonly pinned: string | null;
}

export interface CreatedResponse {
  readonly row: StoredResponse;
  readonly settings: ResponseSettings;
  readonly running: RunningTurn;
}

/** How sessions are marked that were made for responses alone. */
export const RESPONSES_API_NAME = "openai-responses";

/** @throws KartaError as `SessionService.send`, `invalid_request`, `not_found`; then no turn was accepted */
export async function createResponse(
  options: AdapterOptions,
  request: CreateRequest,
): Promise<CreatedResponse> {
  const { body, scope, pinned, idempotency } = request;
  requireServable(body);
  requireSense(body);
  const given = readInput(body.input);
  const places = new Places(options, scope);
  const wanted = {
    previous: body.previous_response_id ?? null,
    conversation: conversationOf(body) ?? pinned,
    given,
    store: body.store !== false,
    key: idempotency?.key ?? null,
  };
  const anchor = await places.anchor(wanted);
  const chosen = modelOf(options, request, anchor);
  const send = async (): Promise<CreatedResponse> =>
    accept(options, request, { given, chosen, place: await places.settle(anchor, wanted) });
  // Of two that go on from the same response, the second must see that the first did.
  return anchor.kind === "none" ? send() : options.sessionOrder.run(anchor.session.id, send);
}

interface Settled {
  readonly given: GivenInput;
  readonly chosen: ChosenModel;
  readonly place: Place;
}

async function accept(
  options: AdapterOptions,
  request: CreateRequest,
  settled: Settled,
): Promise<CreatedResponse> {
  const { sessions, eventsOf } = options;
  const { scope, body, idempotency } = request;
  const { given, chosen, place } = settled;
  const sessionId = place.session?.id ?? (await newSession(options, request, chosen));
  const instructions = [body.instructions ?? "", ...given.developer]
    .filter((text) => text !== "")
    .join("\n\n");
  const isNews = instructions !== "" && instructions !== place.told;
  const message = {
    text: given.text,
    images: given.images,
    preface: prefaceOf({
      instructions: isNews ? instructions : null,
      earlier: [...place.history, ...place.brought],
    }),
    thinking: wantsReasoning(body),
    ...(place.session === null || chosen.agent === null ? {} : { agent: chosen.agent }),
  };
  const accepted = await sessions
    .send(scope, sessionId, message, idempotency)
    .catch(async (error: unknown) => {
      // Nobody will ever know of a session that was made for a message it did not take.
      if (place.session === null && idempotency === null)
        await sessions.delete(scope, sessionId).catch(() => undefined);
      throw error;
    });
  const running: RunningTurn = { sessionId, accepted, source: eventsOf(sessionId) };
  const settings = settingsOf(request, chosen, sessionId);
  const input = { brought: [...place.brought], text: given.text, told: isNews ? instructions : place.told };
  const row = await keep(options, request, running, { settings, input, parentId: place.parent?.id ?? null });
  if (!settings.store && place.session === null && accepted.kind === "live")
    void accepted.turn.outcome.then(() => sessions.delete(scope, sessionId)).catch(() => undefined);
  return { row, settings, running };
}

interface Kept {
  readonly settings: ResponseSettings;
  readonly input: Omit<StoredInput, "items">;
  readonly parentId: string | null;
}

/** The turn is accepted and its client has not heard of it yet: from here on its id is good. */
async function keep(
  { responses, sessions }: AdapterOptions,
  { scope, body, idempotency }: CreateRequest,
  { sessionId, accepted }: RunningTurn,
  { settings, input, parentId }: Kept,
): Promise<StoredResponse> {
  const turnId = turnIdOf(accepted);
  const id = responseIdOf(turnId);
  const stored: StoredInput = { ...input, items: listedInput(body.input, id) };
  const row: StoredResponse = {
    id,
    session_id: sessionId,
    turn_id: turnId,
    accepted_seq: accepted.kind === "live" ? accepted.turn.acceptedSeq : accepted.acceptedSeq,
    parent_id: parentId,
    created_at: accepted.kind === "live" ? accepted.turn.createdAt : Date.now(),
    settings: JSON.stringify(settings),
    input: JSON.stringify(stored),
  };
  if (!settings.store) return row;
  try {
    await responses.put(row);
    // A request that came before with the same key has made it already.
    return idempotency === null ? row : ((await responses.get(id)) ?? row);
  } catch (error) {
    if (accepted.kind === "live") await sessions.cancel(scope, sessionId, turnId).catch(() => undefined);
    throw error;
  }
}

async function newSession(
  options: AdapterOptions,
  request: CreateRequest,
  chosen: ChosenModel,
): Promise<string> {
  const { scope, body, idempotency } = request;
  const session = await options.sessions.create(
    scope,
    {
      project: chosen.project.name,
      metadata: { api: RESPONSES_API_NAME, ...body.metadata },
      ...(chosen.agent === null ? {} : { agent: chosen.agent }),
    },
    idempotency,
  );
  return session.id;
}

/** Left out where something is gone on from, the model is that session's project. */
function modelOf({ served }: AdapterOptions, { body, scope }: CreateRequest, anchor: Anchor): ChosenModel {
  const known = anchor.kind === "none" ? undefined : anchor.session.project.ref;
  const chosen = chooseModel(body.model ?? known, scope, served);
  if (known === undefined || chosen.project.name === known) return chosen;
  throw invalidField("model", `expected ${known}, the project of what this goes on from`);
}

function settingsOf({ body }: CreateRequest, chosen: ChosenModel, sessionId: string): ResponseSettings {
  return {
    model: chosen.id,
    instructions: body.instructions ?? null,
    metadata: body.metadata ?? {},
    previous_response_id: body.previous_response_id ?? null,
    conversation: conversationOf(body) === null ? null : conversationIdOf(sessionId),
    background: body.background === true,
    store: body.store !== false,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
    user: body.user ?? null,
  };
}

function conversationOf({ conversation }: CreateResponse): string | null {
  return typeof conversation === "string" ? conversation : (conversation?.id ?? null);
}

function wantsReasoning({ reasoning }: CreateResponse): boolean {
  return typeof reasoning?.summary === "string";
}

/** @throws KartaError `invalid_request` for what contradicts itself */
function requireSense(body: CreateResponse): void {
  if (typeof body.previous_response_id === "string" && conversationOf(body) !== null)
    throw invalidField(
      "previous_response_id",
      "cannot be given together with conversation: one of the two says where to go on",
    );
  if (body.background === true && body.store === false)
    throw invalidField("background", "needs store: nobody could read a response that is not kept");
}
