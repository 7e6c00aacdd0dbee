/** Anthropic's Messages: a turn in the session that the told conversation goes on in. */
import type { Request, Router } from "express";
import { type CreateMessage } from "../../../../../shared/protocol/adapters/anthropic/messages.ts";
import { anthropicRoutes } from "../../../../../shared/protocol/adapters/anthropic/routes.ts";
import { SESSION_HEADER } from "../../../../../shared/protocol/adapters/headers.ts";
import type { ToldConversation } from "../../../../sessions/conversations.ts";
import { idempotencyOf } from "../../../idempotency-key.ts";
import { withinProject } from "../../../access.ts";
import { mount, STREAMED } from "../../../mount.ts";
import type { AdapterOptions } from "../../adapter.ts";
import { requestIdOf } from "../../../error-boundary.ts";
import { chooseModel, type ChosenModel } from "../../model.ts";
import { digestsOf, instructionsDigest, messageFor } from "../../told.ts";
import { answerFor, streamTurn, turnIdOf, wholeTurn } from "../../turn.ts";
import { requireTaken } from "../check-parameters.ts";
import { MESSAGE_PARAMETERS } from "../parameters.ts";
import { countTokens } from "./count-tokens.ts";
import { messageOf } from "./message.ts";
import { readRequest } from "./read-request.ts";
import { MessageStream } from "./stream.ts";

const API = "anthropic-messages";

export function mountMessages(router: Router, options: AdapterOptions): void {
  const { sessions, eventsOf, scopeOf, served, logger, conversations } = options;

  mount(router, anthropicRoutes.anthropicCreateMessage, async ({ request, response, body }) => {
    requireTaken(MESSAGE_PARAMETERS, body);
    const chosen = chooseModel(body.model, scopeOf(request), served);
    const scope = withinProject(scopeOf(request), chosen.project.name);
    const told = toldBy(request, body, chosen);
    const { sessionId, accepted } = await conversations.accept(scope, told);
    const turn = { sessionId, accepted, source: eventsOf(sessionId) };
    answerFor(response, turn, { sessions, scope, staysOn: told.idempotency !== null });
    if (body.stream !== true) return messageOf(await wholeTurn(turn), chosen.id);
    const turnId = turnIdOf(accepted);
    const requestId = requestIdOf(response);
    streamTurn(response, turn, new MessageStream({ turnId, model: chosen.id, requestId }), logger);
    return STREAMED;
  });

  mount(router, anthropicRoutes.anthropicCountTokens, ({ request, body }) => {
    requireTaken(MESSAGE_PARAMETERS, body);
    chooseModel(body.model, scopeOf(request), served);
    return Promise.resolve({ input_tokens: countTokens(readRequest(body)) });
  });
}

function toldBy(request: Request, body: CreateMessage, { agent }: ChosenModel): ToldConversation {
  const told = readRequest(body);
  const user = body.metadata?.user_id ?? null;
  const digests = digestsOf(told, API, [user]);
  const session = request.get(SESSION_HEADER);
  return {
    agent,
    metadata: { api: API, ...(user === null ? {} : { user_id: user }) },
    sessionId: session === undefined || session === "" ? null : session,
    digests: digests.earlier,
    instructions: instructionsDigest(told),
    messageFor: (known) => ({ ...messageFor(told, known, agent), thinking: showsThinking(body) }),
    digestAfter: digests.after,
    idempotency: idempotencyOf(request, body),
  };
}

function showsThinking({ thinking }: Pick<CreateMessage, "thinking">): boolean {
  if (thinking === undefined || thinking === null || thinking.display === "omitted") return false;
  return thinking.type === "enabled" || thinking.type === "adaptive";
}
