/** examples/order-lookup as its user runs it: real kartad, real Claude Code, its own Python; only the words are scripted. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import path from "node:path";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, frames, openTurn, request, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;
let ada: string;

beforeAll(async () => {
  home = makeHome();
  kartad = await home.start();
  const added = await home.karta(["project", "add", path.join(packageRoot(), "examples/order-lookup/app")]);
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining("order-lookup is registered") });
  expect(added.stdout).toMatch(/agents +billing: /);
  expect(added.stdout).toMatch(/skills +track-order: /);
  expect(added.stdout).toMatch(/app +1 hook, 2 policies, tools: look_up_order, request_refund/);
  ada = (await createSession(kartad.url, { metadata: { customer: "ada" } })).id;
});
afterAll(() => home.remove());

test("a customer's own order is looked up, somebody else's is not there", async () => {
  const own = await send(kartad.url, ada, "Where is k1042?");
  expect(own.text).toContain('"status": "on its way"');
  expect(own.text).toContain('"total": 42.0');
  const other = await send(kartad.url, ada, "And K2001?");
  expect(other.text).toContain("there is no order K2001 of this customer");
  expect(other.messages[1]?.parts).toContainEqual(
    expect.objectContaining({ type: "tool_result", is_error: true }),
  );
});

test("the skill is there, and the billing desk answers as itself", async () => {
  const asked = await send(kartad.url, ada, "Where is my parcel?");
  expect(asked.text).toMatch(/What's your order number\?/);
  const parts = asked.messages[1]?.parts ?? [];
  expect(parts).toContainEqual(expect.objectContaining({ type: "tool_use", tool_name: "Skill" }));
  expect(parts).toContainEqual(expect.objectContaining({ type: "tool_result", is_error: false }));
  const billing = await send(kartad.url, ada, "What did I pay for K1043?", { agent: "billing" });
  expect(billing).toMatchObject({ agent: "billing", text: expect.stringContaining('"total": 19.9') });
});

test("a refund is asked for first; a card number reaches nobody", async () => {
  for await (const { event } of frames(
    await openTurn(kartad.url, ada, "A refund of K1043, card 4111 1111 1111 1234"),
  )) {
    if (event.type === "input_required") {
      expect(event.data.tool).toBe("mcp__karta__request_refund");
      const answer = `/v1/sessions/${ada}/inputs/${event.data.request_id}`;
      await request(kartad.url, "PUT", answer, { decision: "approve_once" });
    }
    if (event.type === "done") expect(event.data.message.text).toContain("A refund of K1043 was requested");
  }
  const { body } = await request(kartad.url, "GET", `/v1/sessions/${ada}/events?follow=false&limit=1000`);
  expect(JSON.stringify(body)).toContain("[card ending in 1234]");
  expect(JSON.stringify(body)).not.toContain("4111");
  const logs = await home.ask(["logs", "--project", "order-lookup"]);
  expect(logs.stdout).toContain("refund requested: K1043");
  expect(logs.stdout).toMatch(/ada: a turn of \d+ tokens \(completed\)/);
});
