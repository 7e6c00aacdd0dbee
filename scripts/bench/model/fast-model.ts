/** The offline model with no pace at all: what is left of a turn's time is the harness's, and Karta's. */
import { parseOfflineScript } from "../../../daemon/offline-model/script.ts";
import { OfflineModel } from "../../../daemon/offline-model/server.ts";
import type { Scope } from "../scope.ts";

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

[default]
text = "A short answer, as fast as it can be read."
`;

/** @returns its base address, as a harness takes it */
export async function startFastModel(scope: Scope): Promise<string> {
  const parsed = parseOfflineScript(SCRIPT, "offline.toml");
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join("; "));
  const model = new OfflineModel();
  model.setScript("bench", parsed.script);
  await model.start();
  scope.onEnd(() => model.stop());
  return model.baseUrl("bench");
}
