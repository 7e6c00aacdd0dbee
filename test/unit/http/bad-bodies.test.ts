import { describe, expect, test } from "@jest/globals";
import { newId } from "../../../shared/ids.ts";
import { httpBench, rawRequest, refusal } from "../../support/http.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port } = bench;
const session = await bench.create();
const MESSAGES = `/v1/sessions/${session}/messages`;
const keys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));

describe("a message", () => {
  test.each<[string, unknown, string, string]>([
    ["that is not JSON", "{nope", "400 invalid_json", "not JSON"],
    ["cut short", '{"text":"hel', "400 invalid_json", "not JSON"],
    ["that is an array", [1], "400 invalid_json", "an array"],
    ["that is null", "null", "400 invalid_json", "null"],
    ["that is a string", '"hello"', "400 invalid_json", "a string"],
    ["over the limit", { text: "x".repeat(2 * 1024 * 1024) }, "413 body_too_large", "2097152"],
    ["without a body", undefined, "422 invalid_request", "text: required"],
    ["without text", {}, "422 invalid_request", "text: required"],
    ["of an empty text", { text: "" }, "422 invalid_request", "text: expected 1 to 200000"],
    ["of a number", { text: 7 }, "422 invalid_request", "text: expected a string"],
    ["of 200,001 characters", { text: "x".repeat(200_001) }, "422 invalid_request", "found 200001"],
    ["with an unknown field", { text: "hi", steam: true }, "422 invalid_request", "steam"],
    ["with a text for stream", { text: "hi", stream: "yes" }, "422 invalid_request", "stream"],
    [
      "from a nameless participant",
      { text: "a", participant_name: "" },
      "422 invalid_request",
      "participant_name",
    ],
    ["from a robot", { text: "a", participant_type: "robot" }, "422 invalid_request", "participant_type"],
    ["for an unknown agent", { text: "hi", agent: "x" }, "422 unknown_agent", "default, billing"],
  ])("%s is refused", async (_name, body, is, names) => {
    const refused = await refusal(port, { path: MESSAGES, body });
    expect(refused.is).toBe(is);
    expect(refused.words).toContain(names);
  });

  test.each<[string, Record<string, string>, string]>([
    ["as plain text", { "Content-Type": "text/plain" }, "text/plain"],
    ["as a form", { "Content-Type": "application/x-www-form-urlencoded" }, "Content-Type"],
    ["as nothing", {}, "none"],
    ["in an unknown encoding", { "Content-Type": "application/json", "Content-Encoding": "zip" }, "zip"],
    ["in an unknown charset", { "Content-Type": "application/json; charset=ebcdic" }, "EBCDIC"],
  ])("%s is refused", async (_name, headers, names) => {
    const refused = await refusal(port, { path: MESSAGES, headers, body: { text: "hi" } });
    expect(refused.is).toBe("415 unsupported_media_type");
    expect(refused.words).toContain(names);
  });

  test("that was refused never reached an agent, nor the log", async () => {
    expect(bench.harness.said).toEqual([]);
    expect(await bench.events(session)).toEqual([]);
  });
});

describe("a session", () => {
  test.each<[string, unknown, string, string]>([
    [
      "with 51 metadata keys",
      { metadata: keys(51) },
      "422 invalid_request",
      "metadata: expected at most 50 keys, found 51",
    ],
    [
      "with nested metadata",
      { metadata: { a: { b: 1 } } },
      "422 invalid_request",
      "metadata.a: expected a string, number",
    ],
    ["with a list as metadata", { metadata: [] }, "422 invalid_request", "metadata: expected an object"],
    ["with a __proto__ key", '{"metadata":{"__proto__":"x"}}', "422 invalid_request", "metadata: __proto__"],
    ["with an empty key", { metadata: { "": 1 } }, "422 invalid_request", "metadata"],
    ["with a long key", { metadata: { ["k".repeat(129)]: 1 } }, "422 invalid_request", "metadata"],
    ["with a long value", { metadata: { a: "v".repeat(4097) } }, "422 invalid_request", "metadata.a"],
    ["with an unknown field", { meta: {} }, "422 invalid_request", "meta"],
    ["with an unknown mode", { permission_mode: "yolo" }, "422 invalid_request", "permission_mode"],
    ["of an unknown agent", { agent: "x" }, "422 unknown_agent", "default, billing"],
    ["of an unknown parent", { parent_id: newId("sess") }, "422 invalid_request", "parent_id"],
    ["that is not there", { session_id: newId("sess") }, "404 not_found", "no such session"],
    ["of an unknown project", { project: "nope" }, "404 not_found", "nope"],
  ])("%s is refused", async (_name, body, is, names) => {
    const refused = await refusal(port, { path: "/v1/sessions", body });
    expect(refused.is).toBe(is);
    expect(refused.words).toContain(names);
  });
});

describe("within the limits", () => {
  test.each([
    ["50 metadata keys", "/v1/sessions", { metadata: keys(50) }, 201],
    ["metadata of every scalar", "/v1/sessions", { metadata: { s: "x", n: 1.5, b: false, z: null } }, 201],
    ["200,000 characters", MESSAGES, { text: "x".repeat(200_000) }, 200],
    ["characters of several bytes", MESSAGES, { text: "😀".repeat(100_000) }, 200],
    ["a project's own route", "/v1/projects/bot/sessions", {}, 201],
    ["the local organisation's route", "/local/bot/v1/sessions", { metadata: {} }, 201],
  ])("%s is taken", async (_name, path, body, status) => {
    const headers = { "Content-Type": "application/json" };
    expect((await rawRequest(port, "POST", path, headers, JSON.stringify(body))).status).toBe(status);
  });

  test("no body at all is a session without wishes", async () => {
    expect((await rawRequest(port, "POST", "/v1/sessions")).status).toBe(201);
  });
});
