/**
 * How much later a token is at Karta's client than at a plain script's. The model writes the moment into every token,
 * so both paths are measured from the same point: model → Claude Code → SDK, and model → Claude Code → kartad → client.
 */
import { z } from "zod";
import { wallMs } from "../clock.ts";
import type { KartaClient } from "../karta/client.ts";
import type { Line, Measure, MeasureContext } from "../measure.ts";
import { readStamp, startStampingModel } from "../model/stamping-model.ts";
import { LiveQuery } from "../sdk/live-query.ts";
import { startSides } from "../sides.ts";
import { median } from "../statistics.ts";

const TOKENS_A_TURN = 40;
const TOKENS_PER_SECOND = 40;
const TURNS = 8;

const TextEventSchema = z.object({
  timestamp: z.number(),
  data: z.object({ part: z.object({ text: z.string() }) }),
});

export const relayLatency: Measure = {
  name: "relay-latency",
  about: "a streamed token at Karta's client, against the same token at a plain SDK script",
  run: async (context) => {
    const { scope } = context;
    const modelUrl = await startStampingModel({
      scope,
      tokens: TOKENS_A_TURN,
      tokensPerSecond: TOKENS_PER_SECOND,
    });
    const { client, plain } = await startSides(context, modelUrl);
    const session = await client.create();
    return measure(context, client, session, new LiveQuery(plain, scope));
  },
};

async function measure(
  { samples, say }: MeasureContext,
  client: KartaClient,
  session: string,
  plain: LiveQuery,
): Promise<Line[]> {
  let baseline: number[] = [];
  let karta: number[] = [];
  let afterAppend: number[] = [];
  const turns = samples ?? TURNS;
  for (let turn = 0; turn <= turns; turn += 1) {
    await plain.turn("say it", ({ text, at }) => {
      const stamp = readStamp(text);
      if (stamp !== null) baseline.push(at - stamp);
    });
    await client.stream(session, "say it", ({ event, data, at }) => {
      if (event !== "text") return;
      const said = TextEventSchema.parse(JSON.parse(data));
      const stamp = readStamp(said.data.part.text);
      if (stamp === null) return;
      karta.push(at - stamp);
      afterAppend.push(wallMs() - said.timestamp);
    });
    if (turn === 0)
      [baseline, karta, afterAppend] = [[], [], []]; // the first turns start processes
    else say(`turn ${turn} of ${turns}`);
  }
  const note = `${karta.length} tokens at ${TOKENS_PER_SECOND}/s`;
  return [
    {
      measure: "relay-latency: token at the client",
      unit: "ms",
      baseline: median(baseline),
      karta: median(karta),
      budget: { on: "added", atMost: 10 },
      samples: { baseline, karta },
      note,
    },
    {
      measure: "relay-latency: kartad's own timestamp to the client",
      unit: "ms",
      baseline: null,
      karta: median(afterAppend),
      budget: { on: "value", atMost: 10 },
      samples: { baseline: [], karta: afterAppend },
      note: `${note}; the timestamp is in whole milliseconds`,
    },
  ];
}
