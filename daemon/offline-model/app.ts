/** The offline model's routes, each below `/p/{project}`. */
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { z } from "zod";
import { answerTo } from "./answer.ts";
import { anthropicWire } from "./anthropic.ts";
import { AnthropicRequestSchema, readAnthropicConversation } from "./anthropic-request.ts";
import { estimateTokens, type ModelRequest } from "./conversation.ts";
import { openAiWire } from "./openai.ts";
import { OpenAiRequestSchema, readOpenAiConversation } from "./openai-request.ts";
import { responsesWire } from "./responses.ts";
import { readResponsesConversation, ResponsesRequestSchema } from "./responses-request.ts";
import type { OfflineScript } from "./script.ts";
import { send, sendJson } from "./send.ts";
import type { OfflineModelLogger } from "./server.ts";
import type { Wire } from "./wire.ts";

/** A harness sends the whole conversation each time: 50 KB at the start, and files and pictures later. */
const BODY_LIMIT = "32mb";
/** These paths are OpenAI's; every other is answered in Anthropic's form. */
const OPENAI_PATH = /\/v1\/(?:chat|completions|responses|embeddings)(?:\/|$)/;

export interface AppOptions {
  /** Null: no such project. */
  readonly findScript: (project: string) => OfflineScript | null;
  readonly logger: OfflineModelLogger;
}

export function createApp({ findScript, logger }: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");

  async function reply<R extends ModelRequest>(
    wire: Wire<R>,
    request: R,
    http: { project: string; response: Response; startedAt: number },
  ): Promise<void> {
    const { project, response, startedAt } = http;
    const script = findScript(project);
    if (script === null) {
      sendJson(response, 404, wire.error("not_found_error", `no such project: ${project}`));
      return;
    }
    const { conversation } = request;
    const answer = answerTo({
      script,
      conversation,
      onTooSlow: (when) =>
        logger.warn({ project, when: when.source }, "a rule's pattern takes too long: passed over"),
    });
    logger.debug(
      { project, turn: conversation.turns.length, side: conversation.sideRequest?.kind, answer: answer.kind },
      "offline reply",
    );
    await send(response, wire, request, answer, startedAt);
  }

  // Harnesses differ in the content type they set; the body is JSON whatever they call it.
  app.use(express.json({ limit: BODY_LIMIT, type: () => true }));

  app.post("/p/:project/v1/messages", async (request, response) => {
    const startedAt = performance.now();
    const body = AnthropicRequestSchema.safeParse(request.body);
    if (!body.success) {
      refuseBody(anthropicWire, response, body.error);
      return;
    }
    const { model, stream } = body.data;
    const conversation = readAnthropicConversation(body.data);
    const inputTokens = estimateTokens(JSON.stringify(request.body).length);
    const { project } = request.params;
    await reply(
      anthropicWire,
      { conversation, model, stream, inputTokens },
      { project, response, startedAt },
    );
  });

  app.post("/p/:project/v1/chat/completions", async (request, response) => {
    const startedAt = performance.now();
    const body = OpenAiRequestSchema.safeParse(request.body);
    if (!body.success) {
      refuseBody(openAiWire, response, body.error);
      return;
    }
    const { model, stream, stream_options: options } = body.data;
    const conversation = readOpenAiConversation(body.data);
    const inputTokens = estimateTokens(JSON.stringify(request.body).length);
    const includeUsage = options?.include_usage === true;
    const { project } = request.params;
    await reply(
      openAiWire,
      { conversation, model, stream: stream === true, inputTokens, includeUsage },
      { project, response, startedAt },
    );
  });

  app.post("/p/:project/v1/responses", async (request, response) => {
    const startedAt = performance.now();
    const body = ResponsesRequestSchema.safeParse(request.body);
    if (!body.success) {
      refuseBody(responsesWire, response, body.error);
      return;
    }
    const { model, stream } = body.data;
    const conversation = readResponsesConversation(body.data);
    const inputTokens = estimateTokens(JSON.stringify(request.body).length);
    const { project } = request.params;
    await reply(
      responsesWire,
      { conversation, model, stream: stream === true, inputTokens },
      { project, response, startedAt },
    );
  });

  app.post("/p/:project/v1/messages/count_tokens", (request, response) => {
    const characters = request.body === undefined ? 0 : JSON.stringify(request.body).length;
    sendJson(response, 200, { input_tokens: estimateTokens(characters) });
  });

  app.get("/p/:project/v1/models", (_request, response) => {
    sendJson(response, 200, {
      object: "list",
      data: [MODEL],
      has_more: false,
      first_id: MODEL.id,
      last_id: MODEL.id,
    });
  });

  app.use((request: Request, response: Response) => {
    const message = `the offline model has no ${request.method} ${request.path}`;
    sendJson(response, 404, wireOf(request).error("not_found_error", message));
  });

  // Express knows an error boundary by its four parameters.
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const known = HttpErrorSchema.safeParse(error);
    const status = known.success ? known.data.status : 500;
    const message = error instanceof Error ? error.message : String(error);
    if (status === 500) logger.warn({ err: error }, "the offline model failed");
    if (response.headersSent) response.socket?.destroy();
    else
      sendJson(
        response,
        status,
        wireOf(request).error(status === 500 ? "api_error" : "invalid_request_error", message),
      );
  });
  return app;
}

/** One model that both APIs' clients can read. */
const MODEL = {
  id: "offline",
  type: "model",
  object: "model",
  display_name: "Offline model: scripted replies",
  created_at: "2026-01-01T00:00:00Z",
  created: 1_767_225_600,
  owned_by: "karta",
};

/** What the body's parser throws. */
const HttpErrorSchema = z.object({ status: z.int().min(400).max(499) });

function wireOf(request: Request): { error(type: string, message: string): object } {
  return OPENAI_PATH.test(request.path) ? openAiWire : anthropicWire;
}

function refuseBody<R extends ModelRequest>(wire: Wire<R>, response: Response, error: z.ZodError): void {
  sendJson(response, 400, wire.error("invalid_request_error", z.prettifyError(error)));
}
