/** Many readers of streams in one process. Argument: a plan; standard output: what was seen. */
import { Agent, request, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../clock.ts";
import { KartaClient } from "../karta/client.ts";
import { STAMP } from "../scripted/protocol.ts";
import { percentile } from "../statistics.ts";
import { PlanSchema, type ReadPlan, type Sight } from "./plan.ts";

const latencies: number[] = [];
let misplaced = 0;

const plan = PlanSchema.parse(JSON.parse(process.argv[2] ?? ""));
const agent = new Agent({ keepAlive: true });
const client = new KartaClient(plan.url);
const startedAt = performance.now();
await Promise.all(Array.from({ length: plan.readers }, (_, place) => readTurns(plan, place)));
console.log(JSON.stringify(seen()));
process.exit();

async function readTurns(
  { readers, rampMs, turnsOfReader, turnsOfSession, order }: ReadPlan,
  place: number,
): Promise<void> {
  await sleep((place / readers) * rampMs);
  let session = "";
  for (let turn = 0; turn < turnsOfReader; turn += 1) {
    if (turn % turnsOfSession === 0) session = await client.create();
    await readTurn(session, JSON.stringify({ text: JSON.stringify(order), stream: true }));
  }
}

async function readTurn(session: string, body: string): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { "Content-Type": "application/json" };
    request(`${plan.url}/v1/sessions/${session}/messages`, { method: "POST", agent, headers }, resolve)
      .on("error", reject)
      .end(body);
  });
  response.setEncoding("utf8");
  let rest = "";
  let lastId: number | null = null;
  let last = "";
  for await (const chunk of response) {
    const at = monotonicMs();
    const frames = (rest + String(chunk)).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) {
      const id = /^id: (\d+)\nevent: /.exec(frame)?.[1];
      if (id === undefined) continue; // a ping
      if (lastId !== null && Number(id) !== lastId + 1) misplaced += 1;
      lastId = Number(id);
      last = frame;
      const stamp = STAMP.exec(frame)?.[1];
      if (stamp !== undefined && frame.includes("\nevent: text\n")) latencies.push(at - Number(stamp));
    }
  }
  if (!last.includes("\nevent: done\n")) throw new Error(`a turn ended without done: ${rest}${last}`);
}

function seen(): Sight {
  const turns = plan.readers * plan.turnsOfReader;
  return {
    turns,
    expected: turns * plan.order.events,
    received: latencies.length,
    misplaced,
    latency: {
      p50: latencies.length === 0 ? 0 : percentile(latencies, 0.5),
      p99: latencies.length === 0 ? 0 : percentile(latencies, 0.99),
      max: latencies.reduce((highest, value) => Math.max(highest, value), 0),
    },
    seconds: (performance.now() - startedAt) / 1000,
  };
}
