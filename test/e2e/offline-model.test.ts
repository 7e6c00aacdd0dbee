/** The real Claude Code binary, through its SDK, against the offline model. */
import { query, type SDKMessage, type SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseOfflineScript } from "../../daemon/offline-model/script.ts";
import { OfflineModel } from "../../daemon/offline-model/server.ts";

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 200
[[reply]]
when = '^roasts\\?$'
thinking = "They ask about roasts."
text = "Sunrise ☕, Midnight, and Decaf Dusk."
[[reply]]
when = 'what did i (say|ask) first'
text = "You first said: {{first_user}}"
[[reply]]
when = 'save (?<item>\\w+)'
tool = { name = "Write", input = { file_path = "order.txt", content = "$<item>" } }
text = "Saved: {{tool_result}}"
`;

const model = new OfflineModel();
let scratch = "";

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "karta-offline-model-"));
  const parsed = parseOfflineScript(SCRIPT, "offline.toml");
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  await model.start();
  model.setScript("beans", parsed.script);
});

afterAll(async () => {
  await model.stop();
  await rm(scratch, { recursive: true, force: true });
});

interface Chat {
  readonly cwd: string;
  /** Each turn's result. */
  readonly results: readonly string[];
  /** The text's deltas, as they came. */
  readonly deltas: readonly string[];
  readonly thoughts: readonly string[];
  readonly askedTools: readonly string[];
}

/** One process, one turn after the other. */
async function chat(name: string, says: readonly string[]): Promise<Chat> {
  const [cwd, home] = [path.join(scratch, name, "project"), path.join(scratch, name, "home")];
  await mkdir(cwd, { recursive: true });
  await mkdir(home);
  await writeFile(path.join(cwd, "CLAUDE.md"), "You sell coffee. roasts? save nothing.");

  const results: string[] = [];
  const deltas: string[] = [];
  const thoughts: string[] = [];
  const askedTools: string[] = [];
  const turns = says.map(() => Promise.withResolvers<undefined>());
  async function* input(): AsyncGenerator<SDKUserMessage> {
    for (const [turn, content] of says.entries()) {
      yield { type: "user", message: { role: "user", content }, parent_tool_use_id: null };
      await turns[turn]?.promise;
    }
  }
  const read = (message: SDKMessage): void => {
    if (message.type === "result") {
      results.push(message.subtype === "success" ? message.result : message.subtype);
      turns[results.length - 1]?.resolve(undefined);
    } else if (message.type === "stream_event" && message.event.type === "content_block_delta") {
      const { delta } = message.event;
      if (delta.type === "text_delta") deltas.push(delta.text);
      if (delta.type === "thinking_delta") thoughts.push(delta.thinking);
    }
  };
  const claude = query({
    prompt: input(),
    options: {
      cwd,
      includePartialMessages: true,
      settingSources: ["project"],
      permissionMode: "default",
      canUseTool: (tool, toolInput) => {
        askedTools.push(tool);
        return Promise.resolve({ behavior: "allow", updatedInput: toolInput });
      },
      env: {
        PATH: process.env.PATH,
        HOME: home,
        CLAUDE_CONFIG_DIR: home,
        ANTHROPIC_BASE_URL: model.baseUrl("beans"),
        ANTHROPIC_API_KEY: "offline",
        DISABLE_TELEMETRY: "1",
        DISABLE_AUTOUPDATER: "1",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      },
    },
  });
  for await (const message of claude) read(message);
  return { cwd, results, deltas, thoughts, askedTools };
}

test("Claude Code streams the script's words and thoughts, and its second turn knows of the first", async () => {
  const { results, deltas, thoughts } = await chat("talk", ["roasts?", "what did I ask first"]);
  expect(results).toEqual(["Sunrise ☕, Midnight, and Decaf Dusk.", "You first said: roasts?"]);
  expect(deltas.length).toBeGreaterThan(8);
  expect(deltas.join("")).toBe(results.join(""));
  expect(thoughts.join("")).toBe("They ask about roasts.");
}, 60_000);

test("a scripted tool is Claude Code's own: asked for, allowed, run, and answered", async () => {
  const { cwd, results, askedTools } = await chat("tool", ["save beans"]);
  expect(askedTools).toEqual(["Write"]);
  expect(await readFile(path.join(cwd, "order.txt"), "utf8")).toBe("beans");
  expect(results).toEqual([expect.stringMatching(/^Saved: .*order\.txt/)]);
}, 60_000);
