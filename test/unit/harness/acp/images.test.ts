/** Images go to the agents that say they take them, and to no other. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { TurnImage } from "../../../../daemon/harness/harness.ts";
import { OfflineModel } from "../../../../daemon/offline-model/server.ts";
import { acpBench, acpCommand, turnOf } from "../../../support/acp.ts";
import { folderWith, spawnerForTests } from "../../apps/temp-project.ts";
import { parseOfflineScript } from "../../../../daemon/offline-model/script.ts";

const PIXEL: TurnImage = { mediaType: "image/png", base64: "iVBORw0KGgo=" };

const spawner = spawnerForTests();
const folder = await folderWith();
const model = new OfflineModel();
const parsed = parseOfflineScript('[default]\ntext = "seen: {{last_user}}"', "offline.toml");
if (!parsed.ok) throw new Error("the script is wrong");
const { script } = parsed;
beforeAll(() => model.start());
afterAll(() => model.stop());

const benchOf = (project: string) => {
  model.setScript(project, script);
  return acpBench(spawner, folder, { offlineBaseUrl: () => model.baseUrl(project) });
};

test("an agent that takes them gets them before the text", async () => {
  const bench = benchOf("takes");
  expect(bench.harness.takesImages("bot")).toBeNull(); // nobody has asked it yet
  const agent = await bench.start(acpCommand("small-agent.ts", "--images"));
  expect(bench.harness.takesImages("bot")).toBe(true);
  expect((await turnOf(agent, "what is it?", undefined, [PIXEL])).text).toBe("seen: [image] what is it?");
  expect((await turnOf(agent, "", undefined, [PIXEL])).text).toBe("seen: [image]");
  await agent.stop();
});

test("a turn with one ends as failed where the agent takes none, and the next one runs", async () => {
  const bench = benchOf("takes-none");
  const agent = await bench.start(acpCommand("small-agent.ts"));
  expect(bench.harness.takesImages("bot")).toBe(false);
  const { end } = await turnOf(agent, "what is it?", undefined, [PIXEL]);
  expect(end).toMatchObject({ kind: "failed", code: "model_error", retryable: false });
  expect((await turnOf(agent, "hello")).text).toBe("seen: hello");
  await agent.stop();
});
