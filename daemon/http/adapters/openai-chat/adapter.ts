/** OpenAI's Chat Completions and models (the API's own reference says what is what). */
import { Router, type Request } from "express";
import { openAiChatRoutes, type ChatRequest } from "../../../../shared/protocol/adapters/openai-chat.ts";
import { SESSION_HEADER } from "../../../../shared/protocol/adapters/headers.ts";
import { idempotencyOf } from "../../idempotency-key.ts";
import { mount, STREAMED } from "../../mount.ts";
import type { ToldConversation } from "../../../sessions/conversations.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { chooseModel, type ChosenModel } from "../model.ts";
import { openAiAnswer } from "../openai-errors.ts";
import { answerFor, streamTurn, turnIdOf, wholeTurn } from "../turn.ts";
import { readMessages } from "./messages.ts";
import { findModel, listModels } from "./models.ts";
import { requireServable } from "./parameters.ts";
import { chatCompletion, chatProjection } from "./projection.ts";
import { digestsOf, instructionsDigest, messageFor } from "./told.ts";

const API = "openai-chat";

export const openAiChat: Adapter = {
  families: ["flat", "project"],
  owns: (path) => /^\/(chat\/completions|models(\/[^/]*)?)\/?$/.test(path),
  toAnswer: openAiAnswer,
  router: chatRouter,
};

function chatRouter(options: AdapterOptions): Router {
  const { sessions, eventsOf, scopeOf, served, logger, conversations } = options;
  const router = Router({ mergeParams: true });

  mount(router, openAiChatRoutes.createChatCompletion, async ({ request, response, body }) => {
    requireServable(body);
    const named = namedSession(request, body);
    const chosen = await modelFor(options, request, body, named);
    const scope = { kind: "project", name: chosen.project.name } as const;
    const told = toldOf(request, body, chosen, named);
    const { sessionId, accepted } = await conversations.accept(scope, told);
    const turn = { sessionId, accepted, source: eventsOf(sessionId) };
    answerFor(response, turn, { sessions, scope, staysOn: told.idempotency !== null });
    const createdAt = accepted.kind === "live" ? accepted.turn.createdAt : Date.now();
    const head = {
      turnId: turnIdOf(accepted),
      sessionId,
      model: chosen.id,
      created: Math.floor(createdAt / 1000),
    };
    if (body.stream !== true) return chatCompletion(head, await wholeTurn(turn));
    streamTurn(response, turn, chatProjection(head, body.stream_options?.include_usage === true), logger);
    return STREAMED;
  });

  mount(router, openAiChatRoutes.listModels, ({ request }) =>
    Promise.resolve({ object: "list" as const, data: listModels(scopeOf(request), served) }),
  );

  mount(router, openAiChatRoutes.getModel, ({ request, params }) =>
    Promise.resolve(findModel(params.model, scopeOf(request), served)),
  );

  return router;
}

/** The header wins: a proxy or a client's default can set it for every request. */
function namedSession(request: Request, { metadata }: ChatRequest): string | null {
  const header = request.get(SESSION_HEADER);
  if (header !== undefined && header !== "") return header;
  const named = metadata?.session_id;
  return typeof named === "string" && named !== "" ? named : null;
}

/** Without a model, a session that is named says which project is meant. */
async function modelFor(
  { sessions, scopeOf, served }: AdapterOptions,
  request: Request,
  { model }: ChatRequest,
  named: string | null,
): Promise<ChosenModel> {
  const scope = scopeOf(request);
  if (model !== undefined || named === null || scope.kind === "project")
    return chooseModel(model, scope, served);
  const { project } = await sessions.requireSession(scope, named);
  return chooseModel(project, scope, served);
}

function toldOf(
  request: Request,
  body: ChatRequest,
  { agent }: ChosenModel,
  sessionId: string | null,
): ToldConversation {
  const { session_id: _, ...metadata } = body.metadata ?? {};
  const told = readMessages(body.messages);
  const digests = digestsOf(told, [body.user ?? null, body.safety_identifier ?? null]);
  return {
    agent,
    metadata: { api: API, ...metadata },
    sessionId,
    digests: digests.earlier,
    instructions: instructionsDigest(told),
    messageFor: (known) => messageFor(told, known, agent),
    digestAfter: digests.after,
    idempotency: idempotencyOf(request, body),
  };
}
