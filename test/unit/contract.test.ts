/** The check that every test's answers go through: it must see what is wrong, whichever client a test uses. */
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import { newId } from "../../shared/ids.ts";
import { takeBreaches } from "../support/contract/observer.ts";
import { openStream, rawRequest } from "../support/http.ts";

/** What the next request is answered. */
let answer: (response: ServerResponse) => void = (response) => response.end();
const server = createServer((_request, response) => {
  response.setHeader("X-Request-Id", newId("req"));
  answer(response);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  answer = (response) => response.end();
});

function json(status: number, body: unknown, type = "application/json; charset=utf-8"): void {
  answer = (response) => response.writeHead(status, { "Content-Type": type }).end(JSON.stringify(body));
}
const HEALTHY = { status: "ok", version: "1", offline: false };

/** What is said of the answer, by either client. */
async function saidOf(path: string, method = "GET"): Promise<string> {
  await (await fetch(`http://127.0.0.1:${port}${path}`, { method })).text();
  const byFetch = await takeBreaches();
  await rawRequest(port, method, path);
  expect(await takeBreaches()).toEqual(byFetch);
  return byFetch.join("\n");
}

describe("an answer", () => {
  test("as the document says passes", async () => {
    json(200, HEALTHY);
    expect(await saidOf("/healthz")).toBe("");
  });

  test.each<[string, number, unknown, string | undefined, string]>([
    ["of a field too many", 200, { ...HEALTHY, mood: "fine" }, undefined, "additional properties"],
    ["of a field too few", 200, { status: "ok" }, undefined, "version"],
    ["of a wrong type", 200, { ...HEALTHY, offline: "no" }, undefined, "offline must be boolean"],
    ["of a status that is not described", 204, HEALTHY, undefined, "status 204 is not described"],
    ["of another content type", 200, HEALTHY, "text/html", "content type text/html"],
    [
      "of an error that the route does not have",
      503,
      { error: "no_project", detail: "x" },
      undefined,
      "error",
    ],
    ["without Retry-After", 503, { error: "too_many_connections", detail: "x" }, undefined, "Retry-After"],
  ])("%s is seen", async (_what, status, body, type, words) => {
    json(status, body, type);
    expect(await saidOf("/healthz")).toContain(words);
  });

  test("of a route that the document does not have can only be an error", async () => {
    json(200, HEALTHY);
    expect(await saidOf("/v1/secrets")).toContain("status 200 is not described");
    json(404, { error: "not_found", detail: "x" });
    expect(await saidOf("/v1/secrets")).toBe("");
  });

  test("of a project's route is looked at like the flat one's, and of the local organisation's too", async () => {
    json(200, { data: [{ id: "sess_1" }], next_cursor: null });
    for (const path of ["/v1/sessions?limit=1", "/v1/projects/bot/sessions", "/local/bot/v1/sessions"])
      expect(await saidOf(path)).toContain("data/0 must have required property");
  });
});

describe("a stream's event", () => {
  const EVENT = { type: "text", seq: 7, session_id: "sess_1", turn_id: "turn_1", timestamp: 1 };
  const DATA = { part: { type: "text", text: "hi" }, message_id: "msg_1" };
  const frame = (id: string, type: string, data: unknown) =>
    `${id === "" ? "" : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

  test.each<[string, string, string]>([
    ["as the document says", frame("7", "text", { ...EVENT, data: DATA }), ""],
    ["without its seq", frame("7", "text", { ...EVENT, seq: undefined, data: DATA }), "seq"],
    ["with a field too many", frame("7", "text", { ...EVENT, data: { ...DATA, x: 1 } }), "additional"],
    ["of an unknown type", frame("7", "song", { ...EVENT, type: "song", data: DATA }), "must match"],
    ["under another id", frame("8", "text", { ...EVENT, data: DATA }), "id: 8, but its data says 7"],
    ["under another name", frame("7", "done", { ...EVENT, data: DATA }), "event: done"],
  ])("%s", async (_what, text, words) => {
    answer = (response) => response.writeHead(200, { "Content-Type": "text/event-stream" }).end(text);
    const said = await saidOf("/v1/sessions/sess_1/events");
    if (words === "") expect(said).toBe("");
    else expect(said).toContain(words);
  });

  test("is seen when it comes, not only when the stream ends", async () => {
    answer = (response) =>
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write(frame("1", "text", {}));
    const stream = await openStream(port, { path: "/v1/sessions/sess_1/events" });
    await stream.until("data");
    stream.leave();
    expect((await takeBreaches()).length).toBeGreaterThan(0);
  });
});
