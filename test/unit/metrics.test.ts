/** What /metrics shows after turns on a real store and a real pool, with the scripted harness. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { Metrics } from "../../daemon/metrics.ts";
import { GroupMemory } from "../../daemon/process/memory.ts";
import { TurnMeter, type TurnEnding } from "../../daemon/turn-meter.ts";
import { newId } from "../../shared/ids.ts";
import { eventually } from "../support/processes.ts";
import { sessionBench } from "../support/sessions.ts";
import { sessionRow, storeBench } from "../support/store.ts";
import { spawnerForTests } from "./apps/temp-project.ts";

const spawner = spawnerForTests();
const store = await storeBench();
const bench = sessionBench(store, spawner, { maxProcesses: 2 });
let metrics: Metrics | null = null;
afterEach(() => {
  metrics?.close();
  metrics = null;
});

function open(): Metrics {
  return (metrics = new Metrics({
    version: "1.2.3",
    pool: bench.pool,
    apps: { all: [] },
    memory: new GroupMemory(),
    sessions: bench.sessions,
    feed: store.feed,
    countSessions: () => store.store.sessions.countActive(),
    now: () => Date.now(),
  }));
}

/** The page's samples: name and labels → value. */
async function samples(page: Metrics): Promise<Map<string, number>> {
  const lines = (await page.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}

describe("the metrics page", () => {
  test("counts turns by how they ended, and how long the first word took by how the process came", async () => {
    const page = open();
    const id = await bench.create();
    await bench.ask(id, "hello");
    await bench.ask(id, "again");
    bench.harness.script = (turn) =>
      turn.end({
        kind: "failed",
        code: "model_error",
        message: "no",
        retryable: true,
        usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
      });
    await bench.ask(id, "fail");
    bench.harness.script = (turn) => void turn.say("some");
    const turn = await bench.send(id, "cancel me");
    await bench.harness.nextTurn(); // hello
    await eventually(() => turn.state === "running", "it runs");
    await bench.sessions.cancel({ kind: "all" }, id);
    await turn.outcome;

    const found = await samples(page);
    expect(Object.fromEntries(found)).toMatchObject({
      'karta_info{version="1.2.3"}': 1,
      'karta_turns_total{status="completed",project="bot"}': 2,
      'karta_turns_total{status="failed",project="bot"}': 1,
      'karta_turns_total{status="cancelled",project="bot"}': 1,
      'karta_turn_errors_total{code="model_error",project="bot"}': 1,
      'karta_time_to_first_token_seconds_count{start="cold"}': 1,
      'karta_pool_starts_total{kind="cold"}': 1,
      'karta_pool_starts_total{kind="warm"}': 0,
      'karta_pool_processes{state="bound",project="bot"}': 1,
      karta_pool_waiting: 0,
      karta_pool_crashes_total: 0,
      karta_event_watchers: 0,
    });
    expect(found.get('karta_time_to_first_token_seconds_count{start="live"}')).toBeGreaterThanOrEqual(1);
    expect(found.get('karta_pool_resident_bytes{project="bot"}')).toBeGreaterThan(0);
    expect(found.get("process_resident_memory_bytes")).toBeGreaterThan(0);
    bench.harness.script = (answered) => answered.say("ok").end();
  });

  test("names no session, and is of its own: two pages do not meet", async () => {
    const id = await bench.create();
    await bench.ask(id, "a secret");
    const first = open();
    const second = new Metrics({
      version: "9",
      pool: bench.pool,
      apps: { all: [] },
      memory: new GroupMemory(),
      sessions: bench.sessions,
      feed: store.feed,
      countSessions: () => Promise.resolve(new Map([["bot", 7]])),
      now: () => Date.now(),
    });
    await bench.ask(id, "another");
    second.close();
    const text = await first.text();
    expect(first.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain('karta_turns_total{status="completed",project="bot"} 1');
    expect(text).not.toContain(id);
    expect(text).not.toMatch(/sess_|secret/);
    expect(await second.text()).not.toContain("karta_");
  });

  test("reads states when it is asked, and forgets what is gone", async () => {
    const page = open();
    const id = await bench.create();
    await bench.ask(id, "hello");
    await bench.pool.evictProject("bot");
    const found = await samples(page);
    expect([...found.keys()].filter((name) => name.startsWith("karta_pool_processes"))).toEqual([]);
  });
});

describe("the turn meter", () => {
  test("times from the message to the first text alone, and tells every end once", async () => {
    let clock = 0;
    const first: number[] = [];
    const ends: TurnEnding[] = [];
    const meter = new TurnMeter({
      feed: store.feed,
      now: () => clock,
      onFirstText: (_, seconds) => void first.push(seconds),
      onEnd: (_, ending) => void ends.push(ending),
    });
    const row = sessionRow();
    await store.store.sessions.insert(row);
    store.log.open(row.id, 0);
    const turnId = newId("turn");
    const message_id = newId("msg");
    const text = { type: "text", data: { part: { type: "text", text: "a" }, message_id } } as const;
    const append = async (drafts: Parameters<typeof store.log.append>[0]["drafts"]) => {
      await store.log.append({ sessionId: row.id, turnId, drafts });
    };
    await append([{ type: "message", data: { message_id, text: "hi", participant: null } }]);
    clock = 1500;
    await append([text, text]);
    clock = 9000;
    await append([text]);
    await append([{ type: "error", data: { code: "harness_crashed", message: "it died", retryable: true } }]);
    meter.close();
    await append([text]);
    expect(first).toEqual([1.5]);
    expect(ends).toEqual([{ status: "failed", code: "harness_crashed" }]);
    expect(store.feed.size).toBe(0);
  });
});
