/** What a key has open, on a real server: it is held while it goes on and not a moment longer. */
import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, expect, test } from "@jest/globals";
import express, { type Response } from "express";
import type { Principal } from "../../../daemon/keys/principal.ts";
import { OpenAnswers } from "../../../daemon/http/open-answers.ts";
import { openStream } from "../../support/http.ts";
import { eventually } from "../../support/processes.ts";

const clock = { ms: 0 };
const open = new OpenAnswers(() => clock.ms);
const begun: Response[] = [];
let principal: Principal = { kind: "operator" };
const app = express().use((request, response) => {
  open.hold(principal, request, response);
  begun.push(response);
  if (request.path === "/once") response.end("over");
  else response.write("begun");
});
const server = createServer(app).listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const key = (keyId: string, expiresAt: number | null = null): Principal => ({
  kind: "key",
  keyId,
  scope: "write",
  project: null,
  expiresAt,
});
const ask = (path = "/") => openStream(port, { path });

test("an answer is held until it is over, or its client leaves; a key's end ends its own alone", async () => {
  principal = key("key_a");
  await (await ask("/once")).end();
  await eventually(() => open.size === 0, "the short one was let go");
  const mine = [await ask(), await ask()];
  principal = key("key_b");
  const theirs = await ask();
  principal = { kind: "operator" };
  const operators = await ask();
  expect(open.size).toBe(3);
  mine[0]?.leave();
  await eventually(() => open.size === 2, "the one whose client left was let go");
  open.cutOf("key_a");
  await mine[1]?.end();
  await eventually(() => open.size === 1, "the one that was cut was let go");
  open.cutOf("key_a");
  expect([theirs.isOver, operators.isOver]).toEqual([false, false]);
  theirs.leave();
  operators.leave();
  await eventually(() => open.size === 0, "all were let go");
});

test("one whose client has left before it was let in is not held", async () => {
  const left = begun.at(-1);
  if (left === undefined) throw new Error("nothing was asked");
  open.hold(key("key_a"), left.req, left);
  expect(open.size).toBe(0);
});

test("a feed ends with its credential, however far away that is, and not before", async () => {
  principal = key("key_a", 40 * 24 * 60 * 60 * 1000); // more than a timer can hold
  const far = await ask();
  principal = key("key_a", 20);
  const near = await ask();
  await near.end();
  expect(far.isOver).toBe(false);
  far.leave();
  await eventually(() => open.size === 0, "both were let go");
});
