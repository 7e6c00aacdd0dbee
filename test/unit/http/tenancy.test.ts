/**
 * Every route × every credential. The routes are those of the OpenAPI document, which is what is mounted: one without a line
 * here fails the test, so that nobody adds a route and forgets who may call it.
 */
import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import { SignJWT, UnsecuredJWT } from "jose";
import { openApiDocument } from "../../../daemon/http/openapi/document.ts";
import { DEFAULT_LIMITS } from "../../../daemon/http/limits.ts";
import { newId } from "../../../shared/ids.ts";
import { httpBench, keylessAuthenticator, rawRequest } from "../../support/http.ts";
import { apiKey, bearer, embedKey, tokenOf } from "../../support/keys.ts";
import { storeBench } from "../../support/store.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(20_000);

/** Whom a route is for: see `Access` in shared/protocol/route.ts. */
interface Line {
  readonly for: "anybody" | "members" | "backends" | "the daemon's admins";
  readonly query?: string;
  readonly body?: object;
}

const LINES: Readonly<Record<string, Line>> = {
  "GET /healthz": { for: "anybody" },
  "GET /readyz": { for: "anybody" },
  "GET /openapi.json": { for: "anybody" },
  "GET /metrics": { for: "the daemon's admins" },
  "POST /embed/session-tokens": { for: "anybody", body: {} },
  "POST /session_tokens": { for: "backends", body: { sub: "ada" } },
  "POST /sessions": { for: "members", body: {} },
  "GET /sessions": { for: "members" },
  "GET /sessions/{id}": { for: "members" },
  "PATCH /sessions/{id}": { for: "members", body: { metadata: { seen: true } } },
  "DELETE /sessions/{id}": { for: "members" },
  "POST /sessions/{id}/participants": { for: "members", body: { name: "bob", type: "human" } },
  "GET /sessions/{id}/messages": { for: "members" },
  "POST /sessions/{id}/messages": { for: "members", body: { text: "hi" } },
  "POST /sessions/{id}/cancel": { for: "members", body: {} },
  "POST /sessions/{id}/warm": { for: "members" },
  "PUT /sessions/{id}/inputs/{request_id}": { for: "members", body: { decision: "deny" } },
  "GET /sessions/{id}/events": { for: "members", query: "?follow=false" },
};

/** The bases that the document's paths stand under, the longer first, and those that are not in it. */
const FAMILIES = [
  { base: "/v1/projects/{ref}", kind: "project", bases: ["/v1/projects/bot", "/local/bot/v1"] },
  { base: "/v1", kind: "flat", bases: ["/v1"] },
  { base: "", kind: "none", bases: [""] },
] as const;
type FamilyKind = (typeof FAMILIES)[number]["kind"];

interface Place {
  /** `POST /sessions`. */
  readonly name: string;
  readonly method: string;
  readonly base: string;
  readonly path: string;
  readonly family: FamilyKind;
}

const places = Object.entries(openApiDocument("0.0.0").paths).flatMap(([path, item]) =>
  Object.keys(item).flatMap((lower): Place[] => {
    const family = FAMILIES.find(({ base }) => path.startsWith(base)) ?? FAMILIES[2];
    const rest = path.slice(family.base.length);
    const method = lower.toUpperCase();
    return family.bases.map((base) => ({
      name: `${method} ${rest}`,
      method,
      base,
      path: rest,
      family: family.kind,
    }));
  }),
);

/** What a credential may expect. `as if it were not there`: 404, and not a word other than for an id that nothing has. */
type Outcome = "401" | "403" | "as if it were not there" | "let in";

interface Credential {
  readonly headers: Readonly<Record<string, string>>;
  readonly expects: (place: Place, line: Line) => Outcome;
}

const refused = (): Outcome => "401";
const ofSession = ({ path }: Place) => path.includes("{id}");
const looks = ({ method }: Place) => method === "GET";
const isMembers = (line: Line) => line.for === "members";

/** Of a key that is not bound to the daemon as a whole. */
function keyExpects(ownsIt: boolean, scope: "read" | "write" | "admin") {
  return (place: Place, line: Line): Outcome => {
    if (line.for === "the daemon's admins") return "403";
    if (scope === "read" && !looks(place)) return "403";
    if (!ownsIt && place.family === "project") return "403";
    return !ownsIt && ofSession(place) ? "as if it were not there" : "let in";
  };
}

/** Of a user's token: of the project that the routes are of, or not; of the user whose session it is, or not. */
function tokenExpects(ofProject: boolean, ofUser: boolean) {
  return (place: Place, line: Line): Outcome => {
    if (place.family !== "project" || !isMembers(line) || !ofProject) return "403";
    return !ofUser && ofSession(place) ? "as if it were not there" : "let in";
  };
}

const clock = { ms: Date.now() };
const store = await storeBench();
const projectExists = (name: string) => ["bot", "other"].includes(name);
const authenticator = await keylessAuthenticator(store, { projectExists, now: () => clock.ms });
const bench = await httpBench(spawnerForTests(), {
  authenticator,
  projectExists,
  limits: { ...DEFAULT_LIMITS, requests_per_second: 1_000_000, failed_credentials_per_second: 1_000_000 },
});

const credentials = new Map<string, Credential>();

beforeAll(async () => {
  const add = (name: string, text: string, expects: Credential["expects"]) =>
    credentials.set(name, { headers: bearer(text), expects });
  const soon = () => new Date(clock.ms + 1000).toISOString();
  const backend = await apiKey(authenticator);
  const gone = await apiKey(authenticator);
  const expiring = await apiKey(authenticator, { expires_at: soon() });
  const ada = { sub: "ada", project: "bot" };

  credentials.set("none", { headers: {}, expects: refused });
  add("words", "let-me-in", refused);
  add("a scheme that is not asked for", "", refused);
  credentials.set("a scheme that is not asked for", {
    headers: { Authorization: "Basic YTpi" },
    expects: refused,
  });
  add("the beginning of a key with another secret", `${backend.prefix}_${"0".repeat(50)}`, refused);
  add("an embed key, which opens no route", (await embedKey(authenticator)).key, refused);
  add("a key that has expired", expiring.key, refused);
  add("a key that was revoked", gone.key, refused);
  add("a token that has expired", await tokenOf(authenticator, "ada", { seconds: 1 }), refused);
  add("a token of a key that was revoked", await tokenOf(authenticator, "ada", { keyId: gone.id }), refused);
  add(
    "a token of a key that has expired",
    await tokenOf(authenticator, "ada", { keyId: expiring.id }),
    refused,
  );
  const claims = new SignJWT(ada).setIssuer("karta").setExpirationTime("2h");
  const head = { alg: "HS256", typ: "karta-session+jwt", kid: "0" };
  add(
    "a token that another kartad signed",
    await claims.setProtectedHeader(head).sign(Buffer.alloc(32)),
    refused,
  );
  add("a token that nobody signed", new UnsecuredJWT(ada).setIssuer("karta").encode(), refused);
  await authenticator.keys.revoke(gone.id);
  clock.ms += 60_000;

  const key = async (given: Parameters<typeof apiKey>[1]) => (await apiKey(authenticator, given)).key;
  add("a key of another project", await key({ project: "other" }), keyExpects(false, "write"));
  add(
    "an admin key of another project",
    await key({ project: "other", scope: "admin" }),
    keyExpects(false, "admin"),
  );
  add("a key that may only look", await key({ scope: "read" }), keyExpects(true, "read"));
  add("a key of the project", await key({ project: "bot" }), keyExpects(true, "write"));
  add(
    "an admin key of the project",
    await key({ project: "bot", scope: "admin" }),
    keyExpects(true, "admin"),
  );
  add("a key of every project", await key({}), keyExpects(true, "write"));
  add("an admin key", await key({ scope: "admin" }), () => "let in");
  add("the user's token", await tokenOf(authenticator, "ada"), tokenExpects(true, true));
  add("another user's token", await tokenOf(authenticator, "bob"), tokenExpects(true, false));
  add(
    "a token of another project",
    await tokenOf(authenticator, "ada", { project: "other" }),
    tokenExpects(false, true),
  );
  add(
    "the user's token of a key",
    await tokenOf(authenticator, "ada", { keyId: backend.id }),
    tokenExpects(true, true),
  );
});

function ask(
  { method, base, path }: Place,
  { query = "", body }: Line,
  headers: Credential["headers"],
  id: string,
) {
  const target = base + path.replace("{id}", id).replace("{request_id}", newId("req")) + query;
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  return rawRequest(bench.port, method, target, { ...json, ...headers }, body && JSON.stringify(body));
}

/** Ada's session: made by her app's backend. */
async function adasSession(): Promise<string> {
  const scope = { kind: "project", name: "bot", endUser: null } as const;
  return (await bench.sessions.create(scope, { metadata: { end_user: "ada" } })).id;
}

/** What is told, without what differs from request to request. */
function told({ status, headers, body }: Awaited<ReturnType<typeof rawRequest>>) {
  const { date: _date, "x-request-id": _id, ...rest } = headers;
  return { status, headers: rest, body };
}

test("every route of the document has a line, and every line a route", () => {
  expect([...new Set(places.map(({ name }) => name))].sort()).toEqual(Object.keys(LINES).sort());
});

describe.each([...new Set(places.map(({ name }) => name))])("%s", (name) => {
  const line = LINES[name] ?? { for: "the daemon's admins" };
  test.each(places.filter((place) => place.name === name))("at $base", async (place) => {
    for (const [credential, { headers, expects }] of credentials) {
      const id = await adasSession();
      const answer = await ask(place, line, headers, id);
      const found = [credential, answer.status, answer.body];
      const outcome = line.for === "anybody" ? "let in" : expects(place, line);
      if (outcome === "401") {
        expect(found).toEqual([credential, 401, expect.stringContaining("unauthorized")]);
        expect(answer.headers["www-authenticate"]).toBe("Bearer");
      } else if (outcome === "403") {
        expect(found).toEqual([credential, 403, expect.stringContaining("forbidden")]);
      } else if (outcome === "as if it were not there") {
        expect([credential, answer.status]).toEqual([credential, 404]);
        expect(told(answer)).toEqual(told(await ask(place, line, headers, newId("sess"))));
      } else {
        expect([401, 403]).not.toContain(answer.status);
        expect(answer.body).not.toContain("no such session");
      }
      // Nothing was done to Ada's session by who was not let in.
      if (outcome !== "let in")
        expect(await bench.sessions.get({ kind: "all" }, id)).toMatchObject({
          status: "active",
          metadata: { end_user: "ada" },
          participants: [],
          last_seq: 0,
        });
    }
  });
});

test("a path that no route has tells a stranger nothing, and takes no token out of its project", async () => {
  const asked = async (path: string, credential: string) =>
    (await rawRequest(bench.port, "GET", path, credentials.get(credential)?.headers)).status;
  for (const path of ["/v1/nothing", "/nothing", "/healthz/x", "/v1/projects/bot/nothing", "//v1/sessions"]) {
    expect([path, await asked(path, "none")]).toEqual([path, 401]);
    expect([path, await asked(path, "an admin key")]).not.toEqual([path, 401]);
  }
  expect(await asked("/v1/nothing", "the user's token")).toBe(403);
  expect(await asked("/v1/projects/bot/nothing", "the user's token")).toBe(404);
});

test("a project that is not there is told apart from another's by nobody who may not reach it", async () => {
  for (const credential of ["a key of another project", "a token of another project"]) {
    const headers = credentials.get(credential)?.headers;
    const [theirs, none] = await Promise.all(
      ["bot", "nope"].map((ref) => rawRequest(bench.port, "GET", `/v1/projects/${ref}/sessions`, headers)),
    );
    expect(theirs?.status).toBe(403);
    expect(theirs && told(theirs)).toEqual(none && told(none));
  }
});

test("a list shows each credential its own sessions alone", async () => {
  const id = await adasSession();
  const shown = async (path: string, credential: string) => {
    const answer = await rawRequest(
      bench.port,
      "GET",
      `${path}?limit=200`,
      credentials.get(credential)?.headers,
    );
    return answer.body.includes(id);
  };
  expect(await shown("/v1/sessions", "a key of every project")).toBe(true);
  expect(await shown("/v1/sessions", "a key of the project")).toBe(true);
  expect(await shown("/v1/sessions", "a key of another project")).toBe(false);
  expect(await shown("/v1/projects/bot/sessions", "the user's token")).toBe(true);
  expect(await shown("/v1/projects/bot/sessions", "another user's token")).toBe(false);
});
