/** Whose a managed-agents session is: creation, lists, titles, transcripts; and what the routes refuse. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { httpBench, refusal } from "../../../support/http.ts";
import { ManagedAgentsClient } from "../../../support/managed-agents.ts";
import { request } from "../../../support/api.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { harness, port, url } = bench;
const { script } = harness;
const client = new ManagedAgentsClient(`${url}/v1/projects/bot`);
afterEach(() => {
  harness.script = script;
});

const metadataOf = async (id: string) => (await request(url, "GET", `/v1/sessions/${id}`)).body.metadata;

describe("a session", () => {
  test("keeps its end user in its metadata, and by which API it was made", async () => {
    expect(await metadataOf(await client.create({ metadata: { end_user: "ada", plan: "free" } }))).toEqual({
      end_user: "ada",
      plan: "free",
      api: "managed-agents",
    });
    expect(await metadataOf(await client.create({ end_user: "ada" }))).toMatchObject({ end_user: "ada" });
    expect(await metadataOf(await client.create({ metadata: { api: "mine" } }))).toEqual({ api: "mine" });
  });

  test("takes as much metadata as any, and no more", async () => {
    const full = Object.fromEntries(Array.from({ length: 50 }, (_, place) => [`key${place}`, place]));
    expect(await metadataOf(await client.create({ metadata: full }))).toEqual(full);
    expect(await client.call("POST", "", { metadata: full, end_user: "ada" })).toMatchObject({ status: 422 });
  });

  test("is made once for a key", async () => {
    const headers = { "Idempotency-Key": "one" };
    const first = await client.call("POST", "", { end_user: "ada" }, headers);
    expect(await client.call("POST", "", { end_user: "ada" }, headers)).toEqual(first);
    expect(await client.call("POST", "", { end_user: "bob" }, headers)).toMatchObject({ status: 409 });
  });

  test("runs a message once for a key", async () => {
    const id = await client.create();
    const say = () =>
      client.call(
        "POST",
        `/${id}/events`,
        { type: "user.message", text: "hi" },
        { "Idempotency-Key": "two" },
      );
    expect(await say()).toEqual({ status: 202, body: { accepted: true } });
    await client.follow(id, 0);
    expect(await say()).toEqual({ status: 202, body: { accepted: true } });
    expect(
      (await client.get(id)).events.filter(({ type }) => type === "session.status_running"),
    ).toHaveLength(1);
  });

  test("is the same under both bases, and one session of the flat API", async () => {
    const local = new ManagedAgentsClient(`${url}/local/bot/v1`);
    const id = await local.create({ end_user: "both" });
    await client.ask(id, "hi", 0);
    expect(await local.get(id)).toEqual(await client.get(id));
    expect(await local.list("both")).toEqual(await client.list("both"));
    expect((await request(url, "GET", `/v1/sessions/${id}`)).body).toMatchObject({ last_seq: 3 });
    expect(await new ManagedAgentsClient(`${url}/elsewhere/bot/v1`).call("GET", `/${id}`)).toMatchObject({
      status: 404,
    });
  });

  test("passes over fields that this kartad does not know", async () => {
    const id = await client.create({ theme: "dark" });
    await client.post(id, { type: "user.message", text: "hi", client_time: 7 });
  });
});

describe("a user's list", () => {
  test("has that user's sessions alone, newest first, by what they began with", async () => {
    const first = await client.create({ metadata: { end_user: "eve" } });
    const second = await client.create({ metadata: { end_user: "eve" } });
    await client.create({ metadata: { end_user: "mallory" } });
    await client.create();
    await client.ask(first, "  What roasts\n\ndo you have?  ", 0);
    await client.ask(first, "And tea?", 3);
    const list = await client.list("eve");
    expect(list.map(({ id, title }) => [id, title])).toEqual([
      [second, ""],
      [first, "What roasts do you have?"],
    ]);
    const [untouched, used] = list;
    expect(untouched?.last_activity_at).toBe(untouched?.created_at);
    expect(Date.parse(used?.last_activity_at ?? "")).toBeGreaterThan(Date.parse(used?.created_at ?? ""));
    expect(await client.list("nobody")).toEqual([]);
  });

  test.each([
    ["80 characters are shown whole", "x".repeat(80), "x".repeat(80)],
    ["more are shortened", `${"x".repeat(79)} yz`, `${"x".repeat(79)}…`],
    ["a very long one too", "word ".repeat(4000), `${"word ".repeat(16).slice(0, 79).trimEnd()}…`],
    ["characters of two halves are not cut", "🧦".repeat(90), `${"🧦".repeat(79)}…`],
    ["control characters are spaces", "a\u0000b\u001b[31mc", "a b [31mc"],
  ])("a title: %s", async (_what, text, title) => {
    const end_user = `of-${_what}`;
    const id = await client.create({ end_user });
    await client.ask(id, text, 0);
    expect((await client.list(end_user)).map((one) => one.title)).toEqual([title]);
  });

  test("comes in pages if asked", async () => {
    const ids = [];
    for (let place = 0; place < 3; place += 1) ids.unshift(await client.create({ end_user: "many" }));
    const first = await client.call("GET", "?end_user=many&limit=2");
    expect(first).toMatchObject({ body: { data: [{ id: ids[0] }, { id: ids[1] }] } });
    const next = /"next_cursor":"([^"]+)"/.exec(JSON.stringify(first.body))?.[1] ?? "";
    expect(await client.call("GET", `?end_user=many&limit=2&cursor=${next}`)).toMatchObject({
      body: { data: [{ id: ids[2] }], next_cursor: null },
    });
  });

  test("leaves out a session that was deleted", async () => {
    const id = await client.create({ end_user: "gone" });
    await request(url, "DELETE", `/v1/sessions/${id}`);
    expect(await client.list("gone")).toEqual([]);
    expect(await client.call("POST", `/${id}/events`, { type: "user.message", text: "hi" })).toMatchObject({
      status: 404,
    });
  });
});

describe("a transcript", () => {
  test("has the conversation's messages, with the ids that the events had", async () => {
    const id = await client.create({ end_user: "ada" });
    harness.script = (turn) => {
      turn.emit({ type: "tool_use", id: "t1", name: "Read", input: { path: "a" } });
      turn.emit({ type: "tool_result", id: "t1", isError: false, content: "hello" }).say("Done").end();
    };
    const { events } = await client.ask(id, "hi", 0);
    const messages = await client.transcript(id, "ada");
    expect(messages).toEqual([
      {
        id: events[0]?.type === "session.status_running" ? events[0].message_id : "",
        role: "user",
        parts: [{ type: "text", text: "hi" }],
      },
      {
        id: expect.any(String),
        role: "assistant",
        parts: [
          { type: "tool_use", tool_use_id: "t1", tool_name: "Read", tool_input: { path: "a" } },
          { type: "tool_result", tool_use_id: "t1", is_error: false, content: "hello" },
          { type: "text", text: "Done" },
        ],
      },
    ]);
    expect(await client.transcript(id)).toEqual(messages);
  });

  test("of a session of another user, or of nobody, is not there", async () => {
    const hers = await client.create({ end_user: "ada" });
    const nobodys = await client.create();
    for (const id of [hers, nobodys])
      expect(await client.call("GET", `/${id}/transcript?end_user=bob`)).toMatchObject({
        status: 404,
        body: { error: "not_found" },
      });
  });

  test("that is too long loses its oldest messages, and says so", async () => {
    const id = await client.create();
    const text = "x".repeat(1_000_000);
    harness.transcripts = {
      kind: "read",
      entries: Array.from({ length: 12 }, (_, place) => ({
        role: "user" as const,
        id: `msg_${place}`,
        text,
      })),
    };
    await client.ask(id, "hi", 0);
    const { body } = await client.call("GET", `/${id}/transcript`);
    harness.transcripts = null;
    expect(body).toMatchObject({ truncated: true });
    const ids = [...JSON.stringify(body).matchAll(/"id":"(msg_\d+)"/g)].map(([, found]) => found);
    expect(ids.at(-1)).toBe("msg_11");
    expect(ids).toHaveLength(8);
  });

  test("that the harness cannot give back says why", async () => {
    const id = await client.create();
    await client.ask(id, "hi", 0);
    harness.transcripts = { kind: "unreadable", detail: "no history here" };
    const { body } = await client.call("GET", `/${id}/transcript`);
    harness.transcripts = null;
    expect(body).toEqual({ messages: [], unavailable: "no history here" });
  });
});

describe("it refuses", () => {
  const base = "/v1/projects/bot/managed-agents/sessions";

  test.each<[string, string, string, unknown, string]>([
    ["a list of nobody's sessions", "GET", "", undefined, "end_user: required"],
    ["an empty user", "GET", "?end_user=", undefined, "end_user"],
    ["two users", "POST", "", { end_user: "a", metadata: { end_user: "b" } }, "expected the same"],
    [
      "a user that is no text",
      "POST",
      "",
      { metadata: { end_user: 7 } },
      "metadata.end_user: expected a string",
    ],
    ["metadata that is none", "POST", "", { metadata: { deep: {} } }, "metadata.deep"],
    ["an event of no type", "POST", "/ID/events", {}, "expected one of: user.message"],
    [
      "an event of another type",
      "POST",
      "/ID/events",
      { type: "user.song" },
      "expected one of: user.message",
    ],
    ["a message without text", "POST", "/ID/events", { type: "user.message" }, "text: required"],
    ["a message of no text", "POST", "/ID/events", { type: "user.message", text: "" }, "found none"],
    [
      "an answer to nothing",
      "POST",
      "/ID/events",
      { type: "user.tool_confirmation", result: "allow" },
      "request_id",
    ],
    [
      "an answer that is none",
      "POST",
      "/ID/events",
      { type: "user.tool_confirmation", request_id: "req_1", result: "maybe" },
      "result",
    ],
    ["a file without a name", "POST", "/ID/files", { content_base64: "" }, "name"],
    [
      "a file that is no base64",
      "POST",
      "/ID/files",
      { name: "a", content_base64: "%%%" },
      "expected standard base64",
    ],
    [
      "a data URL",
      "POST",
      "/ID/files",
      { name: "a", content_base64: "data:text/plain;base64,aGk=" },
      "base64",
    ],
  ])("%s", async (_what, method, path, body, words) => {
    const id = await client.create();
    const refused = await refusal(port, { method, path: base + path.replace("ID", id), body });
    expect(refused.is).toBe("422 invalid_request");
    expect(refused.words).toContain(words);
  });

  test("a file that is larger than a body may be", async () => {
    const id = await client.create();
    const body = { name: "a", content_base64: "A".repeat(3 * 1024 * 1024) };
    expect((await refusal(port, { path: `${base}/${id}/files`, body })).is).toBe("413 body_too_large");
  });

  test("a page of an origin that is not on the list; one that is gets the headers it needs", async () => {
    const stranger = await refusal(port, {
      method: "GET",
      path: `${base}?end_user=a`,
      headers: { Origin: "https://evil.example" },
    });
    expect(stranger.is).toBe("403 origin_not_allowed");
    const response = await fetch(`${url}${base}?end_user=a`, { headers: { Origin: "https://shop.example" } });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://shop.example");
  });
});
