/** The small agent of `test/fixtures/acp` behind the real harness, with the offline model behind it. */
import { afterAll, beforeAll } from "@jest/globals";
import type { AgentProcess, LaunchSpec, Thread } from "../../daemon/harness/harness.ts";
import { OfflineModel } from "../../daemon/offline-model/server.ts";
import { parseOfflineScript } from "../../daemon/offline-model/script.ts";
import type { ProcessSpawner } from "../../daemon/process/spawner.ts";
import { folderWith, spawnerForTests } from "../unit/apps/temp-project.ts";
import { acpBench, acpCommand, type AcpBench } from "./acp.ts";

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "write (\\\\w+)"
tool = { name = "Write", input = { file_path = "$1.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "look up (\\\\w+)"
tool = { name = "mcp__karta__look_up", input = { id = "$1" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "first"
text = "You first said: {{first_user}}"
[[reply]]
when = "refuse"
error = { status = 401, type = "authentication_error", message = "invalid x-api-key" }
[default]
text = "ok: {{last_user}}"
`;

export interface SmallAgents {
  readonly spawner: ProcessSpawner;
  /** Their folder, and their HOME. */
  readonly folder: string;
  readonly bench: AcpBench;
  readonly start: (launch?: Partial<LaunchSpec>, thread?: Thread) => Promise<AgentProcess>;
}

/** Call once a test file, at its top level. */
export async function smallAgents(): Promise<SmallAgents> {
  const spawner = spawnerForTests();
  const folder = await folderWith();
  const model = new OfflineModel();
  const script = parseOfflineScript(SCRIPT, "offline.toml");
  if (!script.ok) throw new Error("the script is wrong");
  model.setScript("bot", script.script);
  beforeAll(() => model.start());
  afterAll(() => model.stop());
  const bench = acpBench(spawner, folder, { offlineBaseUrl: (project) => model.baseUrl(project) });
  return {
    spawner,
    folder,
    bench,
    start: (launch = {}, thread) => bench.start(acpCommand("small-agent.ts"), launch, thread),
  };
}
