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
};
