/** Conversations that clients tell anew, by the users of one app: the same words of two of them are two conversations. */
import { expect, test } from "@jest/globals";
import { httpBench, rawRequest } from "../../../support/http.ts";
import { bearer, tokenOf } from "../../../support/keys.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const { port, authenticator, sessions } = await httpBench(spawnerForTests());
const HI = [{ role: "user", content: "hi" }];
const MORE = [...HI, { role: "assistant", content: "You said: hi" }, { role: "user", content: "and?" }];

/** @returns the session that it ran in */
async function say(
  user: string,
  api: "chat/completions" | "anthropic/v1/messages",
  messages: object[],
  more: Record<string, string> = {},
) {
  const headers = {
    "Content-Type": "application/json",
    ...bearer(await tokenOf(authenticator, user)),
    ...more,
  };
  const body = JSON.stringify({ model: "bot", max_tokens: 10, messages });
  const answer = await rawRequest(port, "POST", `/v1/projects/bot/${api}`, headers, body);
  expect([answer.status, answer.body]).toEqual([200, expect.any(String)]);
  return String(answer.headers["x-karta-session"]);
}

test.each(["chat/completions", "anthropic/v1/messages"] as const)("by %s", async (api) => {
  const adas = await say("ada", api, HI);
  expect((await sessions.get({ kind: "all" }, adas)).metadata).toMatchObject({ end_user: "ada" });
  // Bob tells Ada's very conversation: it is not his, and it stays hers.
  const bobs = await say("bob", api, MORE);
  expect(bobs).not.toBe(adas);
  expect(await say("ada", api, MORE)).toBe(adas);
  const key = { "Idempotency-Key": `same-${api.length}` };
  const first = await say("ada", api, HI, key);
  const second = await say("bob", api, HI, key);
  expect(second).not.toBe(first);
  expect(await say("ada", api, HI, key)).toBe(first);
});

test("a model's name tells no project's user of another project", async () => {
  const headers = bearer(await tokenOf(authenticator, "ada"));
  const refused = await rawRequest(port, "GET", "/v1/projects/bot/models/nope", headers);
  expect(refused.status).toBe(404);
});
