/** `[limits]` of a real kartad.toml: what the world's plane refuses, and the operator's does not. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import path from "node:path";
import { createSession, request } from "../support/api.ts";
import { openStream, refusal } from "../support/http.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { RawConnection } from "../support/raw-connection.ts";

jest.setTimeout(60_000);

const LIMITS = `[limits]
max_body_bytes = 5000
max_header_bytes = 4096
max_url_bytes = 1024
max_connections = 5
headers_timeout_seconds = 1
request_timeout_seconds = 1
keep_alive_seconds = 7
requests_per_second = 3
`;

let home: TestHome;
let kartad: Kartad;
let port: number;

beforeAll(async () => {
  home = makeHome();
  mkdirSync(home.state, { recursive: true });
  writeFileSync(path.join(home.state, "kartad.toml"), LIMITS);
  kartad = await home.start();
  port = Number(new URL(kartad.url).port);
  const folder = home.project("bot", { "CLAUDE.md": "# Bot" });
  await home.operator.addProject(folder);
});
afterAll(() => home.remove());

/** A GET on the control socket. */
function onSocket(route: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ socketPath: home.socket, path: route, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    asked.on("error", reject).end();
  });
}

test("the same document is on both planes", async () => {
  const [world, operator] = await Promise.all([
    request(kartad.url, "GET", "/openapi.json"),
    onSocket("/openapi.json"),
  ]);
  expect(world.status).toBe(200);
  expect(JSON.parse(operator.body)).toEqual(world.body);
  expect(world.body).toMatchObject({ openapi: "3.1.1", info: { title: "Karta" } });
});

test("a large body, many headers, a long URL and a slow request are each told so", async () => {
  const body = await refusal(port, { path: "/v1/sessions", body: { metadata: { a: "x".repeat(5000) } } });
  expect(body.is).toBe("413 body_too_large");
  const url = await refusal(port, { method: "GET", path: `/v1/sessions?cursor=${"x".repeat(1024)}` });
  expect(url.is).toBe("414 url_too_long");
  const headers = await refusal(port, { method: "GET", path: "/healthz", headers: { a: "x".repeat(5000) } });
  expect(headers.is).toBe("431 headers_too_large");
  const slow = await RawConnection.open(port);
  expect(await slow.answer({ method: "GET", path: "/healthz" })).toMatchObject({ status: 408 });
  await slow.closed();
});

test("a connection too many is 503 until one leaves", async () => {
  const { id } = await createSession(kartad.url);
  const streams = await Promise.all(
    Array.from({ length: 5 }, () => openStream(port, { path: `/v1/sessions/${id}/events` })),
  );
  expect((await refusal(port, { method: "GET", path: "/healthz" })).is).toBe("503 too_many_connections");
  expect((await onSocket("/control/v1/status")).status).toBe(200);
  for (const stream of streams) stream.leave();
});

test("an address that asks too often is 429 on the world's plane alone", async () => {
  const statuses = new Set<number>();
  for (let asked = 0; asked < 300 && !statuses.has(429); asked += 1)
    statuses.add((await request(kartad.url, "GET", "/v1/sessions")).status);
  expect([...statuses]).toEqual([200, 429]);
  expect((await request(kartad.url, "GET", "/healthz")).status).toBe(200);
  for (let more = 0; more < 60; more += 1) expect((await onSocket("/v1/sessions")).status).toBe(200);
});

test("none of it is an error of kartad's", async () => {
  expect((await kartad.stop()).stderr).not.toMatch(/ERROR|FATAL|a request failed/);
});
