/** OpenAI's Responses API: a response is a turn, a conversation a session (docs/clients.md). */
import { Router, type Request } from "express";
import { KartaError } from "../../../../shared/errors.ts";
import { SESSION_HEADER } from "../../../../shared/protocol/adapters/headers.ts";
import { responsesRoutes } from "../../../../shared/protocol/adapters/responses.ts";
import { idempotencyOf } from "../../idempotency-key.ts";
import { mount, STREAMED } from "../../mount.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { openAiAnswer } from "../openai-errors.ts";
import { answerFor } from "../turn.ts";
import { endNotStored, streamAgain, streamResponse, wholeResponse } from "./answer.ts";
import { mountConversations } from "./conversations.ts";
import { createResponse, RESPONSES_API_NAME } from "./create.ts";
import { endTurn } from "./end-turn.ts";
import { pageOf } from "./listed-input.ts";
import { Places } from "./place.ts";
import { inputOf, readResponse, settingsOf } from "./stored-response.ts";

export const responsesAdapter: Adapter = {
  families: ["flat", "project"],
  owns: (path) => /^\/(responses|conversations)(\/|$)/.test(path),
  toAnswer: openAiAnswer,
  router: responsesRouter,
};

function responsesRouter(options: AdapterOptions): Router {
  const { sessions, responses, eventsOf, scopeOf, logger } = options;
  const router = Router({ mergeParams: true });

  mount(router, responsesRoutes.createResponse, async ({ request, response, body }) => {
    const scope = scopeOf(request);
    const idempotency = idempotencyOf(request, body);
    const created = await createResponse(options, { scope, body, idempotency, pinned: pinnedTo(request) });
    const { row, settings, running } = created;
    answerFor(response, running, { sessions, scope, staysOn: settings.background || idempotency !== null });
    if (body.stream === true) {
      streamResponse(response, { row, running }, logger);
      return STREAMED;
    }
    if (settings.background) return (await readResponse(row, options)).response();
    return wholeResponse(row, running, options);
  });

  mount(router, responsesRoutes.retrieveResponse, async ({ request, response, params, query }) => {
    const { response: row } = await new Places(options, scopeOf(request)).require(params.response_id);
    const projection = await readResponse(row, options);
    response.setHeader(SESSION_HEADER, row.session_id);
    if (query.stream !== "true") return projection.response();
    const turn = sessions.liveTurns.find(({ id }) => id === row.turn_id) ?? null;
    // It may have ended while its events were read. If they still have no end now, that is not stored.
    if (turn === null && !projection.isOver && !(await readResponse(row, options)).isOver)
      throw endNotStored();
    const source = eventsOf(row.session_id);
    streamAgain(response, { row, source, after: query.starting_after ?? -1, turn }, logger);
    return STREAMED;
  });

  mount(router, responsesRoutes.listInputItems, async ({ request, params, query }) => {
    const { response: row } = await new Places(options, scopeOf(request)).require(params.response_id);
    const { items } = inputOf(row);
    return pageOf(query.order === "asc" ? items : items.toReversed(), query);
  });

  mount(router, responsesRoutes.cancelResponse, async ({ request, params }) => {
    const scope = scopeOf(request);
    const { response: row } = await new Places(options, scope).require(params.response_id);
    if (!settingsOf(row).background)
      throw new KartaError(
        "invalid_request",
        "Only a response that was made with background: true can be cancelled.",
        {
          fields: { param: "response_id" },
        },
      );
    await endTurn(options, scope, row);
    return (await readResponse(row, options)).response();
  });

  mount(router, responsesRoutes.deleteResponse, async ({ request, params }) => {
    const scope = scopeOf(request);
    const { response: row, session } = await new Places(options, scope).require(params.response_id);
    await endTurn(options, scope, row);
    await responses.delete(row.id);
    // Nobody can come back to a session that was made for responses and has none.
    const isLast =
      session.metadata.api === RESPONSES_API_NAME && (await responses.newestOf(session.id)) === null;
    if (isLast) await sessions.delete(scope, session.id);
    return { id: row.id, object: "response" as const, deleted: true as const };
  });

  mountConversations(router, options);
  return router;
}

/** The session to go on in, for a client that knows Karta's own API. */
function pinnedTo(request: Request): string | null {
  const named = request.get(SESSION_HEADER);
  return named === undefined || named === "" ? null : named;
}
