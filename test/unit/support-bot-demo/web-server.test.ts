/** The demo's web server between a browser and Karta. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { startWeb, type Web } from "../../../examples/support-bot-demo/web/server.ts";
import { startFakeKarta, type FakeKarta } from "../../fixtures/fake-karta.ts";

const Spawned = z.object({ session_id: z.string() });
const Failed = z.looseObject({ error: z.string(), detail: z.string() });

let karta: FakeKarta;
let web: Web;

beforeEach(async () => {
  karta = await startFakeKarta({ offline: true });
  web = await startWeb({ port: 0, kartaUrl: karta.url });
});

afterEach(async () => {
  await web.close();
  await karta.close();
});

async function spawn(): Promise<string> {
  const response = await fetch(`${web.url}/api/spawn`, { method: "POST" });
  expect(response.status).toBe(200);
  return Spawned.parse(await response.json()).session_id;
}

function send(body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${web.url}/api/message`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function expectError(response: Response, status: number, error: string) {
  const body = Failed.parse(await response.json());
  expect({ status: response.status, error: body.error }).toEqual({ status, error });
  return body;
}

function reader(response: Response) {
  if (response.body === null) throw new Error("the response has no body");
  return response.body.pipeThrough(new TextDecoderStream()).getReader();
}

describe("POST /api/spawn", () => {
  test("opens a session at Karta and hands out its id", async () => {
    const id = await spawn();
    expect(karta.sessions).toEqual([id]);
    expect(karta.requests.at(-1)?.body).toEqual({ metadata: { channel: "web", widget: "support-bot-demo" } });
  });

  test("names the project only where one is configured", async () => {
    const other = await startWeb({ port: 0, kartaUrl: `${karta.url}/`, project: "support-bot" });
    await fetch(`${other.url}/api/spawn`, { method: "POST" });
    expect(karta.requests.at(-1)).toMatchObject({ path: "/v1/sessions", body: { project: "support-bot" } });
    await other.close();
  });

  test("relays Karta's refusal as it is", async () => {
    const body = { error: "project_required", detail: "Name one.", projects: ["a", "b"] };
    karta.refuseNext({ path: "/v1/sessions", status: 409, body });
    const response = await fetch(`${web.url}/api/spawn`, { method: "POST" });
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual(body);
  });
});

describe("POST /api/message", () => {
  test("streams the reply frame by frame, each as it comes", async () => {
    const id = await spawn();
    const pending = send({ session_id: id, text: "Hi! What roasts do you have?" });
    const turn = await karta.nextTurn();
    const response = await pending; // the headers are here before any frame
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    expect(response.headers.get("content-encoding")).toBeNull();
    expect(karta.requests.at(-1)?.body).toEqual({ text: "Hi! What roasts do you have?", stream: true });
    const stream = reader(response);
    for (const word of ["We've ", "got ", "Sunrise."]) {
      turn.say(word); // the next one is sent only after this one has arrived
      expect((await stream.read()).value).toContain(JSON.stringify(word));
    }
    turn.done();
    expect((await stream.read()).value).toContain("event: done");
    expect((await stream.read()).done).toBe(true);
  });

  test("passes the idempotency key on", async () => {
    const id = await spawn();
    const pending = send({ session_id: id, text: "Hi" }, { "Idempotency-Key": "0b9f2c1e-retry" });
    const turn = await karta.nextTurn();
    turn.done();
    await (await pending).text();
    expect(turn.headers["idempotency-key"]).toBe("0b9f2c1e-retry");
  });

  test("stops reading at Karta when the browser leaves", async () => {
    const id = await spawn();
    const leave = new AbortController();
    const pending = send({ session_id: id, text: "Hi" }, {}, leave.signal);
    const turn = await karta.nextTurn();
    await pending;
    leave.abort();
    await turn.closed;
    expect(await spawn()).toMatch(/^sess_/); // and the server is well
  });

  test("asks for the same turn again when Karta's connection breaks, and the page sees one reply", async () => {
    const id = await spawn();
    const pending = send({ session_id: id, text: "Hi" });
    const turn = await karta.nextTurn();
    const response = await pending;
    turn.cut();
    const again = await karta.nextTurn();
    expect(again.headers["idempotency-key"]).toBe(turn.headers["idempotency-key"]);
    again.say("Hello!");
    again.done();
    expect((await response.text()).match(/^event: \w+$/gm)).toEqual(["event: text", "event: done"]);
  });

  test("breaks off where Karta refuses to go on, so that the page can tell", async () => {
    const id = await spawn();
    const pending = send({ session_id: id, text: "Hi" });
    const turn = await karta.nextTurn();
    const response = await pending;
    karta.forgetSessions();
    turn.cut();
    await expect(response.text()).rejects.toThrow();
  });

  test("relays Karta's error with status, body and Retry-After", async () => {
    const id = await spawn();
    const body = { error: "pool_saturated", detail: "Every process is taken." };
    karta.refuseNext({ path: "/messages", status: 503, body, headers: { "Retry-After": "7" } });
    const response = await send({ session_id: id, text: "Hi" });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("7");
    expect(await response.json()).toEqual(body);
  });

  test("refuses a session it did not hand out, without asking Karta", async () => {
    await expectError(await send({ session_id: "sess_SomebodyElses01", text: "Hi" }), 404, "unknown_session");
    expect(karta.requests.filter(({ path }) => path.startsWith("/v1"))).toEqual([]);
  });

  test.each([
    ["a session id that is a path", { session_id: "sess_aaaaaaaa/../../healthz", text: "Hi" }],
    ["no text", { session_id: "sess_aaaaaaaa" }],
    ["blank text", { session_id: "sess_aaaaaaaa", text: "  \n" }],
    ["text past the limit", { session_id: "sess_aaaaaaaa", text: "x".repeat(8001) }],
    ["an array", [1]],
  ])("refuses %s", async (_what, body) => {
    await expectError(await send(body), 422, "invalid_request");
  });

  test("refuses a body that is too large, not JSON, or not declared as JSON", async () => {
    await expectError(
      await send({ session_id: "sess_aaaaaaaa", text: "x".repeat(70_000) }),
      413,
      "body_too_large",
    );
    await expectError(await send("{"), 400, "invalid_json");
    await expectError(await send("{}", { "Content-Type": "text/plain" }), 415, "unsupported_media_type");
  });
});

describe("with Karta down", () => {
  test("says so with 502 and what to do", async () => {
    const id = await spawn();
    await karta.close();
    const { port } = new URL(karta.url);
    for (const response of [
      await fetch(`${web.url}/api/spawn`, { method: "POST" }),
      await send({ session_id: id, text: "Hi" }),
      await fetch(`${web.url}/api/info`),
    ]) {
      const { detail } = await expectError(response, 502, "karta_unreachable");
      expect(detail).toContain(`karta serve --port ${port}`);
    }
    karta = await startFakeKarta();
  });

  test("logs it at the start and serves the page all the same", async () => {
    const warnings: string[] = [];
    const logger = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
    const lonely = await startWeb({ port: 0, kartaUrl: "http://127.0.0.1:9", logger });
    expect(warnings.join()).toContain("karta serve");
    expect((await fetch(`${lonely.url}/style.css`)).status).toBe(200);
    await lonely.close();
  });
});

test("GET /api/info says what answers", async () => {
  const info: unknown = await (await fetch(`${web.url}/api/info`)).json();
  expect(info).toEqual({ title: "Beans · Karta Coffee Co. support", offline: true, karta: "0.1.0" });
});

describe("other sites", () => {
  test.each([
    ["another origin", { Origin: "http://evil.example" }, "origin_not_allowed"],
    ["an opaque origin", { Origin: "null" }, "origin_not_allowed"],
    ["another port of this machine", { Origin: "http://127.0.0.1:1" }, "origin_not_allowed"],
    ["a cross-site request", { "Sec-Fetch-Site": "cross-site" }, "origin_not_allowed"],
    ["a rebound name", { Host: "evil.example:5050", Origin: "http://evil.example:5050" }, "host_not_allowed"],
  ])("are refused: %s", async (_what, headers, error) => {
    const { status, body } = await rawPost("/api/spawn", headers);
    expect({ status, error: Failed.parse(JSON.parse(body)).error }).toEqual({ status: 403, error });
    expect(karta.sessions).toEqual([]);
  });

  test("do not include the page itself, under either loopback name", async () => {
    const { port } = new URL(web.url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
      const headers = { Host: host, Origin: `http://${host}`, "Sec-Fetch-Site": "same-origin" };
      expect((await rawPost("/api/spawn", headers)).status).toBe(200);
    }
  });
});

test("every response carries a strict policy, and node_modules is closed but for three libraries", async () => {
  const page = await fetch(`${web.url}/index.html`);
  const policy = page.headers.get("content-security-policy") ?? "";
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "frame-ancestors 'none'",
  ]) {
    expect(policy).toContain(rule);
  }
  expect(policy).not.toContain("unsafe");
  expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  expect(page.headers.get("x-powered-by")).toBeNull();
  for (const name of ["marked.esm.js", "purify.es.mjs", "eventsource-parser/index.js"]) {
    const library = await fetch(`${web.url}/vendor/${name}`);
    expect([library.status, library.headers.get("content-type")]).toEqual([
      200,
      "text/javascript; charset=utf-8",
    ]);
  }
  const missing = await fetch(`${web.url}/vendor/express/index.js`);
  expect([missing.status, missing.headers.get("content-security-policy")]).toEqual([404, policy]);
});

/** fetch() forbids some of these headers; a raw request does not. */
async function rawPost(
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(web.url + path, { method: "POST", headers }, resolve)
      .once("error", reject)
      .end();
  });
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += String(chunk);
  return { status: response.statusCode ?? 0, body };
}
