/** PATCH, search and pages of sessions over HTTP on a real kartad. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { SessionPageSchema, type SessionPage } from "../../shared/protocol/sessions.ts";
import { createSession, request } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  const noSpares = "[pool]\nspares = 0\n";
  const one = home.project("one", { "CLAUDE.md": "# One", "karta.toml": noSpares });
  const two = home.project("two", { "CLAUDE.md": "# Two", "karta.toml": noSpares });
  kartad = await home.start();
  for (const [folder, name] of [
    [one, "one"],
    [two, "two"],
  ] as const)
    await home.operator.addProject(folder, name);
});
afterAll(() => home.remove());

const newSession = async (body: object = {}) =>
  (await createSession(kartad.url, { project: "one", ...body })).id;
const get = async (id: string) => (await request(kartad.url, "GET", `/v1/sessions/${id}`)).body;
const patch = (id: string, body: unknown) => request(kartad.url, "PATCH", `/v1/sessions/${id}`, body);

async function list(query: string, base = "/v1"): Promise<SessionPage> {
  const { status, body } = await request(kartad.url, "GET", `${base}/sessions?${query}`);
  expect(status).toBe(200);
  return SessionPageSchema.parse(body);
}
const ids = async (query: string, base = "/v1") => (await list(query, base)).data.map(({ id }) => id);

describe("PATCH", () => {
  test("merges metadata, deletes by null, and answers with the session; the rest stays", async () => {
    const id = await newSession({ metadata: { visitor: "v1", plan: "free", seats: 2 } });
    const answer = await patch(id, { metadata: { plan: "pro", seats: null, beta: true } });
    expect(answer).toMatchObject({ status: 200, body: { id, permission_mode: "interactive" } });
    expect(answer.body.metadata).toEqual({ visitor: "v1", plan: "pro", beta: true });
    expect(await get(id)).toEqual(answer.body);
    expect(String(answer.body.updated_at) >= String(answer.body.created_at)).toBe(true);
    expect(await ids("metadata.plan=pro&metadata.visitor=v1")).toEqual([id]);
    expect(await ids("metadata.plan=free")).toEqual([]);
    expect(await ids("metadata.beta=true")).toEqual([id]);
  });

  test("of nothing, or of what is so already, changes nothing", async () => {
    const id = await newSession({ metadata: { a: 1 } });
    const before = await get(id);
    for (const body of [
      {},
      undefined,
      { metadata: {} },
      { metadata: { a: 1, b: null } },
      { current_agent: "default", permission_mode: "interactive" },
    ]) {
      expect(await patch(id, body)).toMatchObject({ status: 200, body: before });
    }
    expect(await get(id)).toEqual(before);
  });

  test("of many at once: every key arrives", async () => {
    const id = await newSession();
    const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => patch(id, { metadata: { [key]: key } })));
    expect((await get(id)).metadata).toEqual(Object.fromEntries(keys.map((key) => [key, key])));
  });

  test("holds the limits on the merged whole, and then changes nothing of it", async () => {
    const full = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, index]));
    const id = await newSession({ metadata: full });
    const refused = await patch(id, { metadata: { one_more: 1 }, permission_mode: "autonomous" });
    expect(refused).toMatchObject({
      status: 422,
      body: {
        error: "invalid_request",
        issues: [{ path: "metadata", message: expect.stringContaining("at most 50 keys, found 51") }],
      },
    });
    expect(await get(id)).toMatchObject({ metadata: full, permission_mode: "interactive" });
    expect(await patch(id, { metadata: { k0: null, one_more: 1 } })).toMatchObject({ status: 200 });
  });

  test.each([
    ["an unknown field", { metdata: {} }, 422],
    ["a value that is no scalar", { metadata: { a: {} } }, 422],
    ["a key that a record would lose", '{"metadata":{"__proto__":1}}', 422],
    ["a mode that is none", { permission_mode: "yolo" }, 422],
    ["a body that is no object", "[]", 400],
  ])("refuses %s", async (_what, body, status) => {
    expect((await patch(await newSession(), body)).status).toBe(status);
  });

  test("of a session that was deleted, or never was, or is another project's, is 404", async () => {
    const id = await newSession();
    await request(kartad.url, "DELETE", `/v1/sessions/${id}`);
    for (const strange of [id, "sess_000000000000000000000000"])
      expect(await patch(strange, { metadata: { a: 1 } })).toMatchObject({
        status: 404,
        body: { error: "not_found" },
      });
    const elsewhere = await request(
      kartad.url,
      "PATCH",
      `/v1/projects/two/sessions/${await newSession()}`,
      {},
    );
    expect(elsewhere.status).toBe(404);
  });
});

describe("the list", () => {
  test("finds by metadata of every kind, by project and by status, and by all of them together", async () => {
    const key = `run.${"x".repeat(8)}"quoted"`; // dots and quotes are part of a key
    const metadata = { [key]: "v", n: 7.5, yes: true, nil: null };
    const [here, there] = [await newSession({ metadata }), await newSession({ metadata, project: "two" })];
    const search = `metadata.${encodeURIComponent(key)}=v`;
    expect(await ids(search)).toEqual([there, here]);
    expect(await ids(`${search}&project=one`)).toEqual([here]);
    expect(await ids(search, "/v1/projects/two")).toEqual([there]);
    expect(await ids(search, "/local/two/v1")).toEqual([there]);
    expect(await ids(`${search}&metadata.n=7.5&metadata.yes=true&metadata.nil=null`)).toEqual([there, here]);
    expect(await ids(`${search}&metadata.n=8`)).toEqual([]);
    await request(kartad.url, "DELETE", `/v1/sessions/${here}`);
    expect(await ids(search)).toEqual([there]);
    expect(await ids(`${search}&status=archived`)).toEqual([here]);
    const twice = await request(kartad.url, "GET", "/v1/sessions?metadata.a=1&metadata.a=2");
    expect(twice).toMatchObject({ status: 422, body: { issues: [{ path: "metadata.a" }] } });
  });

  test("over its pages shows each session once, newest first, though some come and go in between", async () => {
    const made: string[] = [];
    for (let count = 0; count < 12; count += 1) made.push(await newSession({ metadata: { book: "paged" } }));
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = await list(`metadata.book=paged&limit=3${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor ?? "";
      await newSession({ metadata: { book: "paged" } }); // newer than all that is still to come
      await request(kartad.url, "DELETE", `/v1/sessions/${page.data.at(-1)?.id ?? ""}`); // the cursor's own
    } while (cursor !== "");
    expect(seen).toEqual([...made].reverse());
  });

  test.each(["limit=0", "limit=201", "limit=x", "cursor=zzz", "status=gone"])("refuses %s", async (query) => {
    expect(await request(kartad.url, "GET", `/v1/sessions?${query}`)).toMatchObject({
      status: 422,
      body: { error: "invalid_request" },
    });
  });
});

test("a session is made with its parent, resumed by its id, and survives a restart with all that was set", async () => {
  const parent = await newSession();
  const id = await newSession({ parent_id: parent, permission_mode: "autonomous" });
  await patch(id, { metadata: { kept: "yes" } });
  const before = await get(id);
  expect(before).toMatchObject({ parent_id: parent, permission_mode: "autonomous" });
  expect(await createSession(kartad.url, { session_id: id })).toEqual(before);
  await kartad.stop();
  kartad = await home.start();
  expect(await get(id)).toEqual(before);
  expect((await request(kartad.url, "DELETE", `/v1/sessions/${id}`)).status).toBe(204);
  expect((await request(kartad.url, "POST", "/v1/sessions", { session_id: id })).status).toBe(404);
  const bad = await request(kartad.url, "POST", "/v1/sessions", { project: "one", parent_id: "sess_nobody" });
  expect(bad).toMatchObject({ status: 422, body: { issues: [{ path: "parent_id" }] } });
  expect(await request(kartad.url, "POST", "/v1/sessions", {})).toMatchObject({
    status: 409,
    body: { error: "project_required", projects: ["one", "two"] },
  });
});
