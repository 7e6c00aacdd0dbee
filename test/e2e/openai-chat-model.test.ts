/** What of a Chat Completions request reaches the model, through the real Claude Code. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import { SESSION_HEADER } from "../../shared/protocol/adapters/headers.ts";
import { MessagePageSchema } from "../../shared/protocol/messages.ts";
import { request } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { startRecordingModel, type RecordingModel } from "../support/recording-model.ts";

jest.setTimeout(60_000);

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let home: TestHome;
let kartad: Kartad;
let model: RecordingModel;
beforeAll(async () => {
  model = await startRecordingModel('first_token_ms = 0\n[default]\ntext = "a pixel"\n');
  home = makeHome();
  const folder = home.project("bot", { "CLAUDE.md": "# Bot\n", "karta.toml": "[pool]\nspares = 0\n" });
  const env = { ANTHROPIC_API_KEY: "a-test's", ANTHROPIC_BASE_URL: model.url };
  kartad = await home.start({ offline: false, env });
  await home.operator.addProject(folder, "bot");
});
afterAll(async () => {
  await home.remove();
  await model.stop();
});

test("images and instructions do, each once; people are shown neither", async () => {
  const openai = new OpenAI({ baseURL: `${kartad.url}/v1`, apiKey: "none" });
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: "system", content: "Answer in French." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } },
      ],
    },
  ];
  const { data: first, response } = await openai.chat.completions
    .create({ model: "bot", messages })
    .withResponse();
  const asked = model.requests.at(-1)?.asked ?? "";
  expect(asked).toContain(`"media_type":"image/png","data":"${PIXEL}"`);
  expect(asked).toContain("<karta-instructions>\\nAnswer in French.\\n</karta-instructions>");
  expect(asked).toContain("\\n\\nWhat is this?");

  messages.push({ role: "assistant", content: first.choices[0]?.message.content ?? "" });
  messages.push({ role: "user", content: "And now?" });
  await openai.chat.completions.create({ model: "bot", messages });
  const next = model.requests.at(-1)?.asked ?? "";
  expect(next).toContain("And now?");
  expect(next).not.toContain("Answer in French");
  expect(next).not.toContain(PIXEL);

  const id = response.headers.get(SESSION_HEADER) ?? "";
  const { body } = await request(kartad.url, "GET", `/v1/sessions/${id}/messages`);
  expect(MessagePageSchema.parse(body).data.map(({ role, text }) => [role, text])).toEqual([
    ["user", "What is this?"],
    ["assistant", "a pixel"],
    ["user", "And now?"],
    ["assistant", "a pixel"],
  ]);
});
