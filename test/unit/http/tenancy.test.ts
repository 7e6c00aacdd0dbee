/**
 * Every route × every credential. The routes are those of the OpenAPI document, which is what is mounted: one without a line
 * in test/support/tenancy/lines.ts fails the test, so that nobody adds a route and forgets who may call it.
 */
import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import { DEFAULT_LIMITS } from "../../../daemon/http/limits.ts";
import { newId } from "../../../shared/ids.ts";
import {
  httpBench,
  keylessAuthenticator,
  openStream,
  rawRequest,
  type RawAnswer,
} from "../../support/http.ts";
import { storeBench } from "../../support/store.ts";
import { allCredentials, type Credential } from "../../support/tenancy/credentials.ts";
import { LINES, type Line } from "../../support/tenancy/lines.ts";
import { places, type Place } from "../../support/tenancy/places.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(60_000);

const clock = { ms: Date.now() };
const projectExists = (name: string) => ["bot", "other"].includes(name);
const authenticator = await keylessAuthenticator(await storeBench(), { projectExists, now: () => clock.ms });
const bench = await httpBench(spawnerForTests(), {
  authenticator,
  projectExists,
  limits: { ...DEFAULT_LIMITS, requests_per_second: 1_000_000, failed_credentials_per_second: 1_000_000 },
});

let credentials = new Map<string, Credential>();
beforeAll(async () => {
  credentials = await allCredentials(authenticator, clock);
});
const headersOf = (credential: string) => credentials.get(credential)?.headers;

/** The values of a path's parameters. */
type Things = Readonly<Record<string, string>>;

/** Ada's session, made by her app's backend, and what there is of her project. */
async function adasThings(): Promise<Things> {
  const scope = { kind: "project", name: "bot", endUser: null } as const;
  const { id } = await bench.sessions.create(scope, { metadata: { end_user: "ada" } });
  return { id, conversation_id: id, model: "bot", agent: "bot", environment: "bot" };
}

/** What nobody has, in as many characters. */
function nothings(): Things {
  const id = newId("sess");
  return { id, conversation_id: id, model: "nob", agent: "nob", environment: "nob" };
}

async function ask(
  { method, base, path }: Place,
  { query = "", body, streams }: Line,
  { headers }: Credential,
  things: Things,
): Promise<RawAnswer> {
  const named = path.replace(/\{(\w+)\}/g, (_, name: string) => things[name] ?? newId("req"));
  const target = base + named + query;
  if (streams === true) {
    const stream = await openStream(bench.port, { method, path: target, headers: { ...headers } });
    if (stream.status < 300) stream.leave();
    else await stream.end();
    return { status: stream.status, headers: stream.headers, body: stream.said };
  }
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  return rawRequest(bench.port, method, target, { ...json, ...headers }, body && JSON.stringify(body));
}

/** What is told, without what differs from request to request, and without the name that was asked for. */
function told({ status, headers, body }: RawAnswer, things: Things) {
  const { date: _date, "x-request-id": _id, "request-id": _other, ...rest } = headers;
  const plain = Object.values(things).reduce((text, name) => text.replaceAll(name, "…"), body);
  return { status, headers: rest, body: plain.replace(/req_\w+/g, "req_…") };
}

test("every route of the document has a line, and every line a route", () => {
  expect([...new Set(places.map(({ name }) => name))].sort()).toEqual(Object.keys(LINES).sort());
});

describe.each([...new Set(places.map(({ name }) => name))])("%s", (name) => {
  const line: Line = LINES[name] ?? { for: "the daemon's admins" };
  const says = (word: string) =>
    line.otherForm === true ? expect.any(String) : expect.stringContaining(word);

  test.each(places.filter((place) => place.name === name))("at $base", async (place) => {
    for (const [who, credential] of credentials) {
      const things = await adasThings();
      const before = await bench.sessions.get({ kind: "all" }, things.id ?? "");
      const answer = await ask(place, line, credential, things);
      const found = [who, answer.status, answer.body];
      const outcome = line.for === "anybody" ? "let in" : credential.expects(place, line);
      switch (outcome) {
        case "401":
          expect(found).toEqual([who, 401, says("unauthorized")]);
          expect(answer.headers["www-authenticate"]).toBe("Bearer");
          break;
        case "403":
          expect(found).toEqual([who, 403, says("forbidden")]);
          break;
        case "as if it were not there": {
          expect([who, answer.status]).toEqual([who, 404]);
          const none = nothings();
          expect(told(answer, things)).toEqual(told(await ask(place, line, credential, none), none));
          break;
        }
        case "let in":
          expect([401, 403]).not.toContain(answer.status);
          expect(found).not.toEqual([who, 404, expect.stringContaining("no such session")]);
          continue;
      }
      // Nothing was done to Ada's session by who was not let in.
      expect(await bench.sessions.get({ kind: "all" }, things.id ?? "")).toEqual(before);
    }
  });
});

test("a path that no route has tells a stranger nothing, and takes no token out of its project", async () => {
  const asked = async (path: string, credential: string) =>
    (await rawRequest(bench.port, "GET", path, headersOf(credential))).status;
  for (const path of ["/v1/nothing", "/nothing", "/healthz/x", "/v1/projects/bot/nothing", "//v1/sessions"]) {
    expect([path, await asked(path, "none")]).toEqual([path, 401]);
    expect([path, await asked(path, "an admin key")]).toEqual([path, 404]);
  }
  expect(await asked("/v1/nothing", "the user's token")).toBe(403);
  expect(await asked("/v1/projects/bot/nothing", "the user's token")).toBe(404);
});

test("a path is one family's alone: Anthropic's base is no organisation of another", async () => {
  const { id = "" } = await adasThings();
  const path = `/v1/anthropic/v1/sessions/${id}`;
  const patch = await rawRequest(
    bench.port,
    "PATCH",
    path,
    { "Content-Type": "application/json", ...headersOf("an admin key") },
    JSON.stringify({ metadata: { seen: true } }),
  );
  expect(patch.status).toBe(404);
  expect((await bench.sessions.get({ kind: "all" }, id)).metadata).toEqual({ end_user: "ada" });
});

test("a project that is not there is told apart from another's by nobody who may not reach it", async () => {
  for (const credential of ["a key of another project", "a token of another project"]) {
    const answers = await Promise.all(
      ["bot", "nope"].map((ref) =>
        rawRequest(bench.port, "GET", `/v1/projects/${ref}/sessions`, headersOf(credential)),
      ),
    );
    const [theirs, none] = answers.map((answer) => told(answer, {}));
    expect(theirs?.status).toBe(403);
    expect(theirs).toEqual(none);
  }
});

test("a list shows each credential its own sessions alone", async () => {
  const { id = "" } = await adasThings();
  const shown = async (path: string, credential: string) =>
    (await rawRequest(bench.port, "GET", `${path}?limit=200`, headersOf(credential))).body.includes(id);
  expect(await shown("/v1/sessions", "a key of every project")).toBe(true);
  expect(await shown("/v1/sessions", "a key of the project")).toBe(true);
  expect(await shown("/v1/sessions", "a key of another project")).toBe(false);
  expect(await shown("/v1/projects/bot/sessions", "the user's token")).toBe(true);
  expect(await shown("/v1/projects/bot/sessions", "another user's token")).toBe(false);
});
