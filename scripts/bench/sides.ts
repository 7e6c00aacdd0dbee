/** The two sides of a measure with the real harness: kartad and a plain SDK script, before the same model. */
import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { startKartad, type BenchKartad } from "./karta/bench-kartad.ts";
import { KartaClient } from "./karta/client.ts";
import type { MeasureContext } from "./measure.ts";
import { kartaFiles, PLAIN_FILES, type PoolSettings } from "./project-files.ts";
import { sdkOptions } from "./sdk/options.ts";

export interface Sides {
  readonly kartad: BenchKartad;
  readonly client: KartaClient;
  /** For the plain script's `query` and `startup`. */
  readonly plain: Options;
}

/**
 * @param modelUrl a model of the bench's own: with `--offline` kartad would answer itself, and be the slower for it,
 *   while the plain script's model would cost the script nothing
 */
export async function startSides(
  { root, scope }: Pick<MeasureContext, "root" | "scope">,
  modelUrl: string,
  pool: PoolSettings = {},
): Promise<Sides> {
  const kartad = await startKartad({
    root,
    scope,
    flags: [],
    env: { ANTHROPIC_API_KEY: "bench", ANTHROPIC_BASE_URL: modelUrl },
  });
  await kartad.addProject("bench", kartaFiles(pool));
  const client = new KartaClient(kartad.url);
  scope.onEnd(() => client.close());
  return { kartad, client, plain: sdkOptions({ home: scope.folder(), modelUrl, files: PLAIN_FILES }) };
}
