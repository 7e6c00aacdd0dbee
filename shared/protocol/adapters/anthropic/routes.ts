/** The routes of Anthropic's APIs under `…/anthropic`, the base URL of its clients. */
import { z } from "zod";
import { TURN_ERROR_CODES, type ErrorCode } from "../../../errors.ts";
import { IdempotencyHeadersSchema } from "../../headers.ts";
import { route } from "../../route.ts";
import { NothingSchema } from "../../sessions.ts";
import { SESSION_HEADER } from "../headers.ts";
import {
  AgentPageSchema,
  AgentSchema,
  EnvironmentPageSchema,
  EnvironmentSchema,
  PageQuerySchema,
} from "./agents.ts";
import { anthropicErrorForm, AnthropicErrorSchema } from "./errors.ts";
import { SendEventsSchema } from "./event-params.ts";
import { ManagedEventPageSchema, ManagedStreamEventSchema, SentEventsSchema } from "./events.ts";
import {
  AnthropicMessageSchema,
  CountTokensSchema,
  CreateMessageSchema,
  MessageStreamEventSchema,
  TokenCountSchema,
} from "./messages.ts";
import { ModelInfoSchema, ModelPageSchema, ModelsQuerySchema } from "./models.ts";
import {
  CreateManagedSessionSchema,
  DeletedSessionSchema,
  ListManagedSessionsQuerySchema,
  ManagedSessionPageSchema,
  ManagedSessionSchema,
  UpdateManagedSessionSchema,
} from "./sessions.ts";

/** `beta=true` and what else a client puts into the address of a call that has no query. */
const AnyQuerySchema = z.looseObject({});

const MessageHeadersSchema = IdempotencyHeadersSchema.extend({
  [SESSION_HEADER]: z
    .string()
    .regex(/^[\x21-\x7e]{0,100}$/, { error: "expected a session's id" })
    .optional()
    .describe("The session to go on with, whatever the messages before the last one say."),
});

const errorForm = anthropicErrorForm;
const STORAGE = ["storage_unavailable"] as const satisfies readonly ErrorCode[];
const OF_SENDING = [
  "unknown_agent",
  "policy_refused",
  "queue_full",
  "idempotency_mismatch",
  "cursor_expired",
  "invalid_request",
  "not_found",
  "no_turn_running",
  ...TURN_ERROR_CODES,
] as const satisfies readonly ErrorCode[];

export const anthropicRoutes = {
  anthropicCreateMessage: route({
    method: "POST",
    path: "/anthropic/v1/messages",
    summary: "Anthropic's Messages: run a turn, as JSON or as Anthropic's stream",
    status: 200,
    query: AnyQuerySchema,
    headers: MessageHeadersSchema,
    body: CreateMessageSchema,
    response: AnthropicMessageSchema,
    stream: z.union([MessageStreamEventSchema, AnthropicErrorSchema]),
    answerHeaders: { [SESSION_HEADER]: "The turn's session." },
    errors: ["no_project", "project_required", ...OF_SENDING],
    errorForm,
  }),
  anthropicCountTokens: route({
    method: "POST",
    path: "/anthropic/v1/messages/count_tokens",
    summary: "An estimate of a request's tokens",
    description: "Of what the request holds alone: a harness adds its own instructions and tools.",
    status: 200,
    query: AnyQuerySchema,
    body: CountTokensSchema,
    response: TokenCountSchema,
    errors: ["not_found", "no_project", "project_required"],
    errorForm,
  }),
  anthropicListModels: route({
    method: "GET",
    path: "/anthropic/v1/models",
    summary: "The projects and their agents, as models",
    status: 200,
    query: ModelsQuerySchema,
    body: NothingSchema,
    response: ModelPageSchema,
    errors: [],
    errorForm,
  }),
  anthropicGetModel: route({
    method: "GET",
    path: "/anthropic/v1/models/:model",
    summary: "One of them",
    status: 200,
    query: AnyQuerySchema,
    body: NothingSchema,
    response: ModelInfoSchema,
    errors: [],
    errorForm,
  }),
  anthropicListAgents: route({
    method: "GET",
    path: "/anthropic/v1/agents",
    summary: "The projects' agents; read-only",
    status: 200,
    query: PageQuerySchema,
    body: NothingSchema,
    response: AgentPageSchema,
    errors: [],
    errorForm,
  }),
  anthropicGetAgent: route({
    method: "GET",
    path: "/anthropic/v1/agents/:agent",
    summary: "One agent",
    status: 200,
    query: AnyQuerySchema,
    body: NothingSchema,
    response: AgentSchema,
    errors: [],
    errorForm,
  }),
  anthropicListEnvironments: route({
    method: "GET",
    path: "/anthropic/v1/environments",
    summary: "The projects, as environments; read-only",
    status: 200,
    query: PageQuerySchema,
    body: NothingSchema,
    response: EnvironmentPageSchema,
    errors: [],
    errorForm,
  }),
  anthropicGetEnvironment: route({
    method: "GET",
    path: "/anthropic/v1/environments/:environment",
    summary: "One environment",
    status: 200,
    query: AnyQuerySchema,
    body: NothingSchema,
    response: EnvironmentSchema,
    errors: [],
    errorForm,
  }),
  anthropicCreateSession: route({
    method: "POST",
    path: "/anthropic/v1/sessions",
    summary: "Create a managed session",
    status: 200,
    query: AnyQuerySchema,
    headers: IdempotencyHeadersSchema,
    body: CreateManagedSessionSchema,
    response: ManagedSessionSchema,
    errors: OF_SENDING,
    errorForm,
  }),
  anthropicListSessions: route({
    method: "GET",
    path: "/anthropic/v1/sessions",
    summary: "List sessions, newest first",
    status: 200,
    query: ListManagedSessionsQuerySchema,
    body: NothingSchema,
    response: ManagedSessionPageSchema,
    errors: STORAGE,
    errorForm,
  }),
  anthropicGetSession: route({
    method: "GET",
    path: "/anthropic/v1/sessions/:id",
    summary: "One session",
    status: 200,
    query: AnyQuerySchema,
    body: NothingSchema,
    response: ManagedSessionSchema,
    errors: STORAGE,
    errorForm,
  }),
  anthropicUpdateSession: route({
    method: "POST",
    path: "/anthropic/v1/sessions/:id",
    summary: "Change title and metadata",
    status: 200,
    query: AnyQuerySchema,
    body: UpdateManagedSessionSchema,
    response: ManagedSessionSchema,
    errors: STORAGE,
    errorForm,
  }),
  anthropicDeleteSession: route({
    method: "DELETE",
    path: "/anthropic/v1/sessions/:id",
    summary: "End the session; its handle is archived",
    status: 200,
    query: AnyQuerySchema,
    body: NothingSchema,
    response: DeletedSessionSchema,
    errors: STORAGE,
    errorForm,
  }),
  anthropicArchiveSession: route({
    method: "POST",
    path: "/anthropic/v1/sessions/:id/archive",
    summary: "End the session, and read it later",
    status: 200,
    query: AnyQuerySchema,
    body: NothingSchema,
    response: ManagedSessionSchema,
    errors: STORAGE,
    errorForm,
  }),
  anthropicListEvents: route({
    method: "GET",
    path: "/anthropic/v1/sessions/:id/events",
    summary: "A session's events, oldest first",
    status: 200,
    query: z.looseObject({ limit: PageQuerySchema.shape.limit, page: PageQuerySchema.shape.page }),
    body: NothingSchema,
    response: ManagedEventPageSchema,
    errors: ["cursor_expired", ...STORAGE],
    errorForm,
  }),
  anthropicSendEvents: route({
    method: "POST",
    path: "/anthropic/v1/sessions/:id/events",
    summary: "Send a message, an interrupt, the answer to what the agent asks",
    status: 200,
    query: AnyQuerySchema,
    headers: IdempotencyHeadersSchema,
    body: SendEventsSchema,
    response: SentEventsSchema,
    errors: ["input_already_resolved", ...OF_SENDING],
    errorForm,
  }),
  anthropicStreamEvents: route({
    method: "GET",
    path: "/anthropic/v1/sessions/:id/events/stream",
    summary: "A session's events from now on",
    status: 200,
    query: AnyQuerySchema,
    body: NothingSchema,
    response: NothingSchema,
    stream: z.union([ManagedStreamEventSchema, AnthropicErrorSchema]),
    errors: ["shutting_down", ...STORAGE],
    errorForm,
  }),
} as const;
