/** Headers and queries that are long, odd, or made for whoever reads them with too clever a pattern. */
import { describe, expect, test } from "@jest/globals";
import { httpBench, rawRequest } from "../../../support/http.ts";
import { HANDSHAKE } from "../../../support/websocket.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port } = bench;
const id = await bench.create();
const SESSION = `/v1/sessions/${id}`;
const EVENTS = `${SESSION}/events?follow=false`;
const LIST = "/v1/sessions";

describe("a header made to take long", () => {
  test.each<[string, string, number]>([
    ["Accept", "a/b;q=0.1,".repeat(1400), 200],
    ["Accept", `a/b;${"a=".repeat(7000)}`, 200],
    ["Accept-Encoding", "gzip;q=0.5,".repeat(1300), 200],
    ["Accept-Language", ",".repeat(14_000), 200],
    ["Accept-Charset", `${"a-".repeat(7000)};q=`, 200],
    ["Authorization", `Bearer${" ".repeat(14_000)}\tx`, 200],
    ["Authorization", `Bearer ${"a".repeat(7000)}${" ".repeat(7000)}b`, 200],
    ["Authorization", `Bearer ey${"a".repeat(7000)}.${"b".repeat(3000)}.${"-".repeat(3000)}!`, 200],
    ["Authorization", `Bearer ey${"a".repeat(5000)}.${"b".repeat(5000)}.${"c".repeat(4000)}`, 401],
    ["Authorization", `Bearer sk_live_${"0".repeat(14_000)}`, 200],
    ["Range", `bytes=${"0-0,".repeat(3000)}`, 200],
    ["If-None-Match", `"${"a".repeat(14_000)}`, 200],
    ["If-Modified-Since", "0".repeat(14_000), 200],
    ["Content-Type", `a/b${";a=b".repeat(3000)}`, 200],
    ["Cookie", "a=b; ".repeat(2500), 200],
    ["Forwarded", "for=127.0.0.1;host=localhost, ".repeat(400), 200],
    ["Host", `localhost:${"0".repeat(14_000)}`, 403],
    ["Host", `[${"0:".repeat(7000)}]`, 403],
    ["Origin", `https://${"a.".repeat(7000)}`, 403],
    ["Connection", "close, ".repeat(2000), 200],
  ])("%s is answered like any other", async (name, value, status) => {
    expect((await rawRequest(port, "GET", LIST, { [name]: value })).status).toBe(status);
  });

  test("in a preflight lets no more through than a short one", async () => {
    const { status, headers } = await rawRequest(port, "OPTIONS", LIST, {
      Origin: "https://shop.example",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": `${"x-stainless-".repeat(500)}, ${"cookie,".repeat(1000)}`,
    });
    expect(status).toBe(204);
    expect(String(headers["access-control-allow-headers"]).length).toBeLessThan(200);
  });

  test("in a handshake is refused, or passed over", async () => {
    const asked = (headers: Record<string, string>) =>
      rawRequest(port, "GET", `${SESSION}/events`, { ...HANDSHAKE, ...headers });
    for (const headers of [
      { "Sec-WebSocket-Protocol": ",".repeat(14_000) },
      { "Sec-WebSocket-Protocol": "a,".repeat(5000) },
      { "Sec-WebSocket-Key": "a".repeat(14_000) },
      { "Sec-WebSocket-Version": "1".repeat(14_000) },
    ])
      expect((await asked(headers)).status).toBe(400);
  });
});

describe("a key of idempotency", () => {
  test.each([
    ["that is too long", "k".repeat(256)],
    ["with a space", "a b"],
    ["with a character of two bytes", "\u00e9"],
    ["of nothing", ""],
    ["with a tab", "a\tb"],
    ["that is there twice, as Node joins it", "a, b"],
  ])("%s is refused, and nothing is made", async (_what, key) => {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    const answer = await rawRequest(port, "POST", LIST, headers, '{"metadata":{"odd":"yes"}}');
    expect([answer.status, answer.body]).toEqual([422, expect.stringContaining("Idempotency-Key")]);
    expect((await rawRequest(port, "GET", `${LIST}?metadata.odd=yes`)).body).toContain('"data":[]');
  });

  test("of names that objects have, or of an id, is a key like any other", async () => {
    const made = new Set<unknown>();
    for (const key of ["__proto__", "constructor", "toString", id, "../../x", "%00", "k".repeat(255)]) {
      const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
      const [first, second] = await Promise.all(
        [1, 2].map(() => rawRequest(port, "POST", LIST, headers, "{}")),
      );
      expect([first?.status, second?.body]).toEqual([201, first?.body]);
      made.add(first?.body);
    }
    expect(made.size).toBe(7);
  });
});

describe("a place in a stream or a list", () => {
  test.each([
    ["1 OR 1=1"],
    ["1;DROP TABLE events"],
    ["\u0661"],
    ["1\u00a0"],
    ["9".repeat(16)],
    ["9".repeat(14_000)],
    ["NaN"],
    ["Infinity"],
    ["0x10"],
    ["+1"],
  ])("that is %j is refused as a Last-Event-ID", async (value) => {
    const headers = { "Last-Event-ID": Buffer.from(value).toString("latin1") };
    expect((await rawRequest(port, "GET", EVENTS, headers)).status).toBe(422);
  });

  test.each([
    ["1 OR 1=1"],
    ["9007199254740993"],
    ["-1"],
    ["1.5"],
    ["NaN"],
    ["Infinity"],
    ["\u0661"],
    ["1\0"],
    ["[object Object]"],
    ["9".repeat(4000)],
  ])("that is %j is refused as ?after", async (value) => {
    expect((await rawRequest(port, "GET", `${EVENTS}&after=${encodeURIComponent(value)}`)).status).toBe(422);
  });

  test.each<[string, unknown]>([
    ["of no list", { __proto__: 1 }],
    ["of a long list", Array.from({ length: 500 }, () => "__proto__")],
    ["of another's shape", ["2026-01-01", "' OR 1=1 --"]],
    ["of a time that is none", [1e308, "sess_000000000000000000000000"]],
    ["of null", null],
    ["nested deep", JSON.parse("[".repeat(900) + "]".repeat(900))],
  ])("%s is refused as a cursor", async (_what, place) => {
    const cursor = Buffer.from(JSON.stringify(place)).toString("base64url");
    for (const path of [LIST, "/v1/projects/bot/managed-agents/sessions"])
      expect([path, (await rawRequest(port, "GET", `${path}?end_user=ada&cursor=${cursor}`)).status]).toEqual(
        [path, path === LIST ? expect.any(Number) : 422],
      );
    expect((await rawRequest(port, "GET", `${LIST}?cursor=${cursor}`)).status).toBe(422);
  });
});
