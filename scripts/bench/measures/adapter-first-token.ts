/** The first word of a later turn through OpenAI's Chat Completions, against the session API's own stream. */
import { z } from "zod";
import { contender, interleave, type Contender } from "../interleave.ts";
import type { KartaClient } from "../karta/client.ts";
import { firstTokenOf } from "../karta/first-token.ts";
import type { Finding, Measure } from "../measure.ts";
import { startFastModel } from "../model/fast-model.ts";
import { startSides } from "../sides.ts";
import { median } from "../statistics.ts";

const SAMPLES = 60;
/** The first turns of a process are slower than all that come after. */
const WARM_UP = 5;

export const adapterFirstToken: Measure = {
  name: "adapter-first-token",
  about: "first token of a later turn through Chat Completions, against the native stream",
  run: async ({ root, samples, scope }) => {
    const { client } = await startSides({ root, scope }, await startFastModel(scope));
    // One session each: a turn that follows another in the same one meets its process still being given back.
    const [ofNative, ofNamed] = [await client.create(), await client.create()];
    const conversation: object[] = [];
    const native = contender(() => firstTokenOf(client, ofNative));
    const named = contender(() => chatTurn(client, ofNamed, []));
    const told = contender(() => chatTurn(client, null, conversation));
    await interleave((samples ?? SAMPLES) + WARM_UP, [native, named, told]);
    return [
      finding("adapter: session named ÷ native stream", native, named),
      finding("adapter: by its messages ÷ native stream", native, told),
    ];
  },
};

function finding(measure: string, baseline: Contender, karta: Contender): Finding {
  const taken = { baseline: baseline.samples.slice(WARM_UP), karta: karta.samples.slice(WARM_UP) };
  return {
    measure,
    unit: "ms",
    baseline: median(taken.baseline),
    karta: median(taken.karta),
    budget: { on: "ratio", atMost: 1.05 },
    samples: taken,
  };
}

const ChunkSchema = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })),
});

/**
 * Says something, and adds it and its answer to the conversation.
 * @returns milliseconds to the first text
 */
async function chatTurn(
  client: KartaClient,
  sessionId: string | null,
  conversation: object[],
): Promise<number> {
  const asked = { role: "user", content: "say it" };
  const frames: { readonly data: string; readonly at: number }[] = [];
  const startedAt = performance.now();
  await client.streamChat(sessionId, [...conversation, asked], (frame) => frames.push(frame));
  const texts = frames.flatMap(({ data, at }) => {
    const text = data === "[DONE]" ? "" : textOf(data);
    return text === "" ? [] : [{ text, at }];
  });
  const [first] = texts;
  if (first === undefined) throw new Error("the turn said nothing");
  conversation.push(asked, { role: "assistant", content: texts.map(({ text }) => text).join("") });
  return first.at - startedAt;
}

function textOf(data: string): string {
  return ChunkSchema.parse(JSON.parse(data)).choices[0]?.delta.content ?? "";
}
