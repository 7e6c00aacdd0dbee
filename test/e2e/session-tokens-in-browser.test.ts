/** A real browser's page with an embed key and nothing else: a token, a session, a WebSocket that it opens with the token. */
import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { z } from "zod";
import { httpBench } from "../support/http.ts";
import { apiKey, embedKey } from "../support/keys.ts";
import { spawnerForTests } from "../unit/apps/temp-project.ts";
import { launchBrowser } from "./support/browser.ts";

jest.setTimeout(60_000); // unpacking the browser takes a while, the first time

/** A site of its own; a browser takes each port for another origin. */
async function site(): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>A shop</title>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
}

const shop = await site();
const thief = await site();
const { url, authenticator, create } = await httpBench(spawnerForTests());
await apiKey(authenticator); // a backend's
const { key, id: keyId } = await embedKey(authenticator, { origins: [shop] });
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** Runs in the page: `karta(method, path, body)`, and `watch(path, protocols)` for the messages up to `done`. */
const TOOLS = `
  globalThis.karta = async (method, path, body, token) => {
    const headers = { ...(body && { "Content-Type": "application/json" }), ...(token && { Authorization: "Bearer " + token }) };
    const answer = await fetch(${JSON.stringify(url)} + path, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };
  globalThis.watch = (path, protocols) => {
    const socket = new WebSocket(${JSON.stringify(url.replace("http", "ws"))} + path, protocols);
    const seen = [];
    const opened = new Promise((resolve) => { socket.onopen = () => resolve(socket.protocol); socket.onerror = () => resolve("refused"); });
    const ended = new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
    const done = new Promise((resolve) => (socket.onmessage = ({ data }) => {
      seen.push(JSON.parse(data).type);
      if (seen.at(-1) === "done") resolve(seen);
    }));
    return { opened, done, ended };
  };`;

async function pageOf(origin: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(origin);
  await page.evaluate(TOOLS);
  return page;
}

test("it talks to its own session, to no other, and only while its key is good", async () => {
  const page = await pageOf(shop);
  const embed = JSON.stringify({ embed_key: key });
  const spoken = await page.evaluate<unknown>(`(async () => {
    const { body: { token } } = await karta("POST", "/v1/embed/session-tokens", ${embed});
    const base = "/v1/projects/bot/sessions";
    const { body: { id } } = await karta("POST", base, {}, token);
    globalThis.feed = watch(base + "/" + id + "/events", ["karta", "karta.bearer." + token]);
    const protocol = await feed.opened;
    const sent = await karta("POST", base + "/" + id + "/messages", { text: "hi" }, token);
    const other = await karta("GET", base + "/${await create()}", undefined, token);
    const without = await watch(base + "/" + id + "/events", ["karta"]).opened;
    return { protocol, text: sent.body.text, seen: await feed.done, other: other.status, without };
  })()`);
  expect(spoken).toEqual({
    protocol: "karta",
    text: "You said: hi",
    seen: ["message", "text", "done"],
    other: 404,
    without: "refused",
  });
  await authenticator.keys.revoke(keyId);
  expect(await page.evaluate<unknown>("feed.ended")).toBe(4401);
});

test("a page of another site gets no token with it", async () => {
  const page = await pageOf(thief);
  const tried = await page.evaluate<unknown>(
    `karta("POST", "/v1/embed/session-tokens", ${JSON.stringify({ embed_key: key })}).catch((error) => String(error))`,
  );
  expect(z.string().parse(tried)).toContain("Failed to fetch"); // its preflight was refused
});
