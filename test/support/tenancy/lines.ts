/**
 * Who may call which route, written down once more for the tenancy matrix: a route of the OpenAPI document without a line
 * here fails `test/unit/http/tenancy.test.ts`.
 */

/** Whom a route is for: see `Access` in shared/protocol/route.ts. */
export interface Line {
  readonly for: "anybody" | "members" | "backends" | "the daemon's admins";
  readonly query?: string;
  readonly body?: object;
  /** It answers with a stream that does not end. */
  readonly streams?: true;
  /** Its refusals have another API's form. */
  readonly otherForm?: true;
}

const members = (more: Omit<Line, "for"> = {}): Line => ({ for: "members", ...more });

const asked = { model: "bot", messages: [{ role: "user", content: "hi" }] };
const said = { type: "user.message", content: [{ type: "text", text: "hi" }] };

/** `METHOD /path` below the family's base. */
export const LINES: Readonly<Record<string, Line>> = {
  "GET /healthz": { for: "anybody" },
  "GET /readyz": { for: "anybody" },
  "GET /openapi.json": { for: "anybody" },
  "GET /metrics": { for: "the daemon's admins" },
  "POST /embed/session-tokens": { for: "anybody", body: {} },
  "POST /session_tokens": { for: "backends", body: { sub: "ada" } },
  "POST /sessions": members({ body: {} }),
  "GET /sessions": members(),
  "GET /sessions/{id}": members(),
  "PATCH /sessions/{id}": members({ body: { metadata: { seen: true } } }),
  "DELETE /sessions/{id}": members(),
  "POST /sessions/{id}/participants": members({ body: { name: "bob", type: "human" } }),
  "GET /sessions/{id}/messages": members(),
  "POST /sessions/{id}/messages": members({ body: { text: "hi" } }),
  "POST /sessions/{id}/cancel": members({ body: {} }),
  "POST /sessions/{id}/warm": members(),
  "PUT /sessions/{id}/inputs/{request_id}": members({ body: { decision: "deny" } }),
  "GET /sessions/{id}/events": members({ streams: true }),

  "POST /chat/completions": members({ body: asked, otherForm: true }),
  "GET /models": members({ otherForm: true }),
  "GET /models/{model}": members({ otherForm: true }),

  "POST /responses": members({ body: { model: "bot", input: "hi" }, otherForm: true }),
  "GET /responses/{response_id}": members({ otherForm: true }),
  "GET /responses/{response_id}/input_items": members({ otherForm: true }),
  "POST /responses/{response_id}/cancel": members({ body: {}, otherForm: true }),
  "DELETE /responses/{response_id}": members({ otherForm: true }),
  "POST /conversations": members({ body: {}, otherForm: true }),
  "GET /conversations/{conversation_id}": members({ otherForm: true }),
  "DELETE /conversations/{conversation_id}": members({ otherForm: true }),

  "POST /managed-agents/sessions": members({ body: {} }),
  "GET /managed-agents/sessions": members({ query: "?end_user=ada" }),
  "GET /managed-agents/sessions/{id}": members(),
  "POST /managed-agents/sessions/{id}/events": members({ body: { type: "user.message", text: "hi" } }),
  "GET /managed-agents/sessions/{id}/events/stream": members({ streams: true }),
  "GET /managed-agents/sessions/{id}/transcript": members({ query: "?end_user=ada" }),
  "POST /managed-agents/sessions/{id}/files": members({ body: { name: "a.txt", content_base64: "aGk=" } }),

  "POST /anthropic/v1/messages": members({ body: { ...asked, max_tokens: 100 }, otherForm: true }),
  "POST /anthropic/v1/messages/count_tokens": members({ body: asked, otherForm: true }),
  "GET /anthropic/v1/models": members({ otherForm: true }),
  "GET /anthropic/v1/models/{model}": members({ otherForm: true }),
  "GET /anthropic/v1/agents": members({ otherForm: true }),
  "GET /anthropic/v1/agents/{agent}": members({ otherForm: true }),
  "GET /anthropic/v1/environments": members({ otherForm: true }),
  "GET /anthropic/v1/environments/{environment}": members({ otherForm: true }),
  "POST /anthropic/v1/sessions": members({ body: { agent: "bot", environment_id: "bot" }, otherForm: true }),
  "GET /anthropic/v1/sessions": members({ otherForm: true }),
  "GET /anthropic/v1/sessions/{id}": members({ otherForm: true }),
  "POST /anthropic/v1/sessions/{id}": members({ body: { metadata: { seen: "1" } }, otherForm: true }),
  "DELETE /anthropic/v1/sessions/{id}": members({ otherForm: true }),
  "POST /anthropic/v1/sessions/{id}/archive": members({ body: {}, otherForm: true }),
  "GET /anthropic/v1/sessions/{id}/events": members({ otherForm: true }),
  "POST /anthropic/v1/sessions/{id}/events": members({ body: { events: [said] }, otherForm: true }),
  "GET /anthropic/v1/sessions/{id}/events/stream": members({ streams: true, otherForm: true }),
};
