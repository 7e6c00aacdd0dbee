import { describe, expect, test } from "@jest/globals";
import { newId } from "../../../shared/ids.ts";
import { httpBench, rawRequest, refusal } from "../../support/http.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port } = bench;
const session = await bench.create();
const MESSAGES = `/v1/sessions/${session}/messages`;
const EVENTS = `/v1/sessions/${session}/events`;
const LIST = "/v1/sessions";
const Origin = "https://shop.example";

describe("a path", () => {
  test.each<[string, string, string, string]>([
    ["of an unknown session", `POST ${LIST}/${newId("sess")}/messages`, "404 not_found", "no such session"],
    ["of a malformed id", `POST ${LIST}/sess_'or1=1/messages`, "404 not_found", "no such session"],
    [
      "of an id of another kind",
      `POST ${LIST}/${newId("turn")}/messages`,
      "404 not_found",
      "no such session",
    ],
    ["of events of nobody", `GET ${LIST}/${newId("sess")}/events`, "404 not_found", "no such session"],
    ["of no project", "POST /v1/projects/nope/sessions", "404 not_found", "no such project"],
    ["of another organisation", "POST /acme/bot/v1/sessions", "404 not_found", "POST /acme"],
    ["to cancel nothing", `POST ${LIST}/${session}/cancel`, "409 no_turn_running", "no turn"],
    ["that leads nowhere", "POST /v1/nothing", "404 not_found", "POST /v1/nothing"],
    ["with a method it does not have", "PUT /v1/sessions", "404 not_found", "PUT /v1/sessions"],
    ["with malformed percent-encoding", `GET ${LIST}/%E0%A4%A`, "400 bad_request", "decode"],
    ["with a cursor that is none", `GET ${LIST}?cursor=nonsense`, "422 invalid_request", "cursor"],
    ["with a cursor of another shape", `GET ${LIST}?cursor=W10`, "422 invalid_request", "cursor"],
    ["with a limit of 0", `GET ${LIST}?limit=0`, "422 invalid_request", "limit"],
    ["with a limit of 201", `GET ${LIST}?limit=201`, "422 invalid_request", "limit"],
    ["with a limit of 1.5", `GET ${LIST}?limit=1.5`, "422 invalid_request", "limit"],
    ["with a limit of words", `GET ${LIST}?limit=ten`, "422 invalid_request", "limit"],
    ["with two limits", `GET ${LIST}?limit=1&limit=2`, "422 invalid_request", "limit"],
    ["with an unknown status", `GET ${LIST}?status=done`, "422 invalid_request", "status"],
    [
      "with a metadata key twice",
      `GET ${LIST}?metadata.a=1&metadata.a=2`,
      "422 invalid_request",
      "metadata.a",
    ],
    ["with an ?after of words", `GET ${EVENTS}?after=x`, "422 invalid_request", "after"],
    ["with a negative ?after", `GET ${EVENTS}?after=-1`, "422 invalid_request", "after"],
    ["with an unknown ?follow", `GET ${EVENTS}?follow=no`, "422 invalid_request", "follow"],
    ["for too many events", `GET ${EVENTS}?follow=false&limit=1001`, "422 invalid_request", "limit"],
  ])("%s is refused", async (_name, request, is, names) => {
    const [method, path] = request.split(" ");
    const body = method === "GET" ? {} : { body: request.endsWith("messages") ? { text: "hi" } : {} };
    const refused = await refusal(port, { method: method ?? "", path: path ?? "", ...body });
    expect(refused.is).toBe(is);
    expect(refused.words).toContain(names);
  });

  test.each(["seven", "-1", "1.5", "1e3", "99999999999999999999"])(
    "with the Last-Event-ID %s is refused",
    async (id) => {
      const refused = await refusal(port, { method: "GET", path: EVENTS, headers: { "Last-Event-ID": id } });
      expect(refused.is).toBe("422 invalid_request");
      expect(refused.words).toContain("Last-Event-ID");
    },
  );
});

describe("a browser page", () => {
  test.each<[string, Record<string, string>]>([
    ["of another Origin", { Origin: "https://evil.example" }],
    ["of an opaque Origin", { Origin: "null" }],
    ["of a listed name on another port", { Origin: `${Origin}:8443` }],
    ["of a listed name without TLS", { Origin: "http://shop.example" }],
    ["of a name that ends in a listed one", { Origin: "https://evil-shop.example" }],
    ["of a listed name as a label of another", { Origin: `${Origin}.evil.example` }],
    ["of a listed name in other letters", { Origin: "https://SHOP.example" }],
    ["of a listed name with its port", { Origin: `${Origin}:443` }],
    ["of a listed name with a dot", { Origin: `${Origin}.` }],
    ["of a listed name with a path", { Origin: `${Origin}/` }],
    ["of a listed name as somebody's", { Origin: "https://shop.example@evil.example" }],
    ["of two Origins", { Origin: `${Origin}, https://evil.example` }],
    ["of this very address", { Origin: `http://127.0.0.1:${port}` }],
    ["of localhost", { Origin: "http://localhost:3000" }],
    ["of a file", { Origin: "file://" }],
    ["of an extension", { Origin: "chrome-extension://abcdefghijklmnop" }],
    ["of no words", { Origin: "" }],
    ["that embeds us from another site", { "Sec-Fetch-Site": "cross-site" }],
    ["that embeds us from a sister site", { "Sec-Fetch-Site": "same-site" }],
  ])("%s is refused, whatever it asks", async (_name, headers) => {
    const json = { ...headers, "Content-Type": "application/json" };
    for (const asked of [
      { path: MESSAGES, headers: json, body: { text: "hi" } },
      { path: LIST, method: "GET", headers },
      { path: EVENTS, method: "GET", headers },
      { path: "/healthz", method: "GET", headers },
      { path: MESSAGES, method: "OPTIONS", headers: { ...headers, "Access-Control-Request-Method": "POST" } },
    ]) {
      const { is, words, answer } = await refusal(port, asked);
      expect(is).toBe("403 origin_not_allowed");
      expect(words).toContain("allowed_origins");
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect(bench.harness.said).toEqual([]);
  });

  test("of an Origin on the list is let in and told so", async () => {
    const answer = await rawRequest(port, "GET", LIST, { Origin, "Sec-Fetch-Site": "cross-site" });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ "access-control-allow-origin": Origin, vary: "Origin" });
  });

  test("of an Origin on the list gets its preflight answered for what a widget sends", async () => {
    const answer = await rawRequest(port, "OPTIONS", MESSAGES, {
      Origin,
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "content-type, idempotency-key",
    });
    expect(answer.status).toBe(204);
    expect(answer.headers["access-control-allow-origin"]).toBe(Origin);
    expect(answer.headers["access-control-allow-methods"]).toContain("POST");
    expect(answer.headers["access-control-allow-headers"]).toContain("Idempotency-Key");
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
  });

  test("of an Origin on the list may read an error too", async () => {
    const { is, answer } = await refusal(port, { path: "/v1/nothing", headers: { Origin } });
    expect(is).toBe("404 not_found");
    expect(answer.headers["access-control-allow-origin"]).toBe(Origin);
  });
});

describe("a Host", () => {
  test.each([
    "evil.example",
    "localhost.evil.example",
    "localhost@evil.example",
    "127.0.0.2",
    "[::2]",
    "127.0.0.1:x",
    " ",
    "evil.example:8000",
    "localhost.",
    "localhost.localdomain",
    "127.0.0.1.",
    "127.0.0.1.nip.io",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "0.0.0.0",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
    "[::1%25lo]",
    "[::]",
    "::1",
    "localhost:8000:80",
    "localhost:",
    "localhost:800000",
    "user@localhost",
    "localhost, evil.example",
    "localhost/",
    "localhost#",
    "http://localhost",
    "loc%61lhost",
    "\u00e9localhost",
  ])("%j is refused", async (host) => {
    const refused = await refusal(port, { method: "GET", path: LIST, headers: { Host: host } });
    expect(refused.is).toBe("403 origin_not_allowed");
    expect(refused.words).toContain("Host");
  });

  test("is the one that counts: what a proxy says of another is nobody's word here", async () => {
    for (const name of [
      "X-Forwarded-Host",
      "X-Host",
      "X-Original-Host",
      "Forwarded",
      "X-Forwarded-For",
      "X-Real-IP",
    ]) {
      const value = name === "Forwarded" ? "for=127.0.0.1;host=localhost" : "localhost";
      const refused = await refusal(port, {
        method: "GET",
        path: LIST,
        headers: { Host: "evil.example", [name]: value },
      });
      expect([name, refused.is]).toEqual([name, "403 origin_not_allowed"]);
      const other = { Host: "localhost", [name]: "evil.example" };
      expect([name, (await rawRequest(port, "GET", LIST, other)).status]).toEqual([name, 200]);
    }
    for (const name of ["X-Original-URL", "X-Rewrite-URL"])
      expect((await rawRequest(port, "GET", "/healthz", { [name]: LIST })).body).toContain("version");
  });

  test.each(["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "[::1]"])(
    "%j is let in",
    async (host) => {
      expect((await rawRequest(port, "GET", "/healthz", { Host: host })).status).toBe(200);
    },
  );
});
