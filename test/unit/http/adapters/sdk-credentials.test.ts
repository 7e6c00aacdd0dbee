/** The official clients with a key: it reaches kartad as each sends it, and a refusal is the client's own typed error. */
import Anthropic from "@anthropic-ai/sdk";
import { expect, test } from "@jest/globals";
import OpenAI from "openai";
import { httpBench } from "../../../support/http.ts";
import { apiKey, tokenOf } from "../../../support/keys.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const { url, authenticator } = await httpBench(spawnerForTests());
const { key } = await apiKey(authenticator, { project: "bot" });
const reader = await apiKey(authenticator, { scope: "read" });
const token = await tokenOf(authenticator, "ada");

const messages = [{ role: "user" as const, content: "hi" }];
const model = "bot";
const openai = (credential: string, base = "/v1") =>
  new OpenAI({ baseURL: url + base, apiKey: credential, maxRetries: 0 });
const anthropic = (credential: { apiKey: string } | { authToken: string }, base = "/v1") =>
  new Anthropic({
    baseURL: `${url}${base}/anthropic`,
    apiKey: null,
    authToken: null,
    maxRetries: 0,
    ...credential,
  });
const complete = (client: OpenAI) => client.chat.completions.create({ model, messages });
const respond = (client: OpenAI) => client.responses.create({ model, input: "hi" });
const message = (client: Anthropic) => client.messages.create({ model, max_tokens: 10, messages });

test("OpenAI's client", async () => {
  expect((await complete(openai(key))).choices[0]?.message.content).toBe("You said: hi");
  expect((await respond(openai(key))).output_text).toBe("You said: hi");
  expect((await respond(openai(token, "/v1/projects/bot"))).output_text).toBe("You said: hi");
  for (const ask of [complete, respond]) {
    await expect(ask(openai("sk_live_nonsense"))).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(ask(openai(reader.key))).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError);
    await expect(ask(openai(token))).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError);
  }
});

test("Anthropic's client, by x-api-key and as a bearer", async () => {
  for (const credential of [{ apiKey: key }, { authToken: key }])
    expect((await message(anthropic(credential))).content).toMatchObject([{ text: "You said: hi" }]);
  const bad = message(anthropic({ apiKey: "sk_live_nonsense" }));
  await expect(bad).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
  const looks = message(anthropic({ apiKey: reader.key }));
  await expect(looks).rejects.toBeInstanceOf(Anthropic.PermissionDeniedError);
  const own = anthropic({ authToken: token }, "/v1/projects/bot");
  const made = await own.beta.sessions.create({ agent: "bot", environment_id: "bot" });
  await expect(anthropic({ apiKey: key }).beta.sessions.retrieve(made.id)).resolves.toMatchObject({
    id: made.id,
  });
  const bob = anthropic({ authToken: await tokenOf(authenticator, "bob") }, "/v1/projects/bot");
  await expect(bob.beta.sessions.retrieve(made.id)).rejects.toBeInstanceOf(Anthropic.NotFoundError);
});
