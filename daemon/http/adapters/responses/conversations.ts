/** OpenAI's Conversations API, as far as responses need it: a conversation is a session. */
import type { Router } from "express";
import { responsesRoutes } from "../../../../shared/protocol/adapters/responses.ts";
import type { Session } from "../../../../shared/protocol/sessions.ts";
import type { Scope } from "../../../sessions/scope.ts";
import { idempotencyOf } from "../../idempotency-key.ts";
import { mount } from "../../mount.ts";
import type { AdapterOptions } from "../adapter.ts";
import { conversationIdOf } from "./ids.ts";
import { Places } from "./place.ts";

/** How sessions are marked that were made as conversations: they stay when their last response goes. */
const CONVERSATIONS_API_NAME = "openai-conversations";

export function mountConversations(router: Router, options: AdapterOptions): void {
  const { sessions, scopeOf } = options;
  const requireConversation = (scope: Scope, id: string): Promise<Session> =>
    new Places(options, scope).requireConversation(id);

  mount(router, responsesRoutes.createConversation, async ({ request, body }) => {
    const metadata = { api: CONVERSATIONS_API_NAME, ...body.metadata };
    return conversationOf(
      await sessions.create(scopeOf(request), { metadata }, idempotencyOf(request, body)),
    );
  });

  mount(router, responsesRoutes.retrieveConversation, async ({ request, params }) =>
    conversationOf(await requireConversation(scopeOf(request), params.conversation_id)),
  );

  mount(router, responsesRoutes.deleteConversation, async ({ request, params }) => {
    const scope = scopeOf(request);
    const session = await requireConversation(scope, params.conversation_id);
    await sessions.delete(scope, session.id);
    return {
      id: conversationIdOf(session.id),
      object: "conversation.deleted" as const,
      deleted: true as const,
    };
  });
}

function conversationOf({ id, created_at, metadata }: Session) {
  return {
    id: conversationIdOf(id),
    object: "conversation" as const,
    created_at: Math.floor(Date.parse(created_at) / 1000),
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, String(value)])),
  };
}
