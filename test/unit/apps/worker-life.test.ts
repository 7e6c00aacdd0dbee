/** A worker that does not come up, goes down, grows or takes its time: what becomes of it, and of what was asked meanwhile. */
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import type { AppWorkerStatus } from "../../../shared/protocol/apps.ts";
import { eventually } from "../../support/processes.ts";
import { appBench, fixtureApp, LANGUAGES, workers, type AppBench, type Language } from "./app-bench.ts";
import { spawnerForTests } from "./temp-project.ts";

jest.setTimeout(30_000);

const spawner = spawnerForTests();
let bench: AppBench;
afterEach(async () => {
  await bench.apps.stop();
  expect(workers(spawner)).toBe(0);
});

/** An app with one policy, and what it does when its worker imports it; the check before has a marker to tell it by. */
function appThat(language: Language, python: string, node: string): Record<string, string> {
  return language === "python"
    ? {
        "app.py": `import os, time
from karta import Karta
app = Karta()
@app.policy
def nothing(message):
    return None
if not os.environ.get("KARTA_CHECK_MARKER"):
    ${python}
`,
      }
    : {
        "app.mjs": `import { writeSync } from "node:fs";
import { Karta } from "karta";
export const app = new Karta().policy(() => undefined);
if (!process.env.KARTA_CHECK_MARKER) {
  ${node}
}
`,
      };
}

const status = (): AppWorkerStatus => bench.app.status();

describe.each(LANGUAGES)("in %s", (language) => {
  test.each([
    ["exits", "os._exit(3)", "process.exit(3);", "it did not load: exited with code 3"],
    ["throws", "raise ValueError('not today')", 'throw new RangeError("not today");', "not today"],
    ["spins", "while True: pass", "for (;;);", "it did not load: was ended by"],
    [
      "writes where Karta reads its answers",
      "os.write(4, b'hello\\n'); time.sleep(60)",
      'writeSync(4, "hello\\n"); await new Promise(() => setTimeout(() => undefined, 60_000));',
      "what is no answer where Karta reads its answers",
    ],
  ])("one that %s when it loads backs off, and policies refuse", async (_what, python, node, why) => {
    const limits = { loadMs: 1500, firstBackoffMs: 60_000 };
    bench = await appBench(spawner, language, appThat(language, python, node), limits);
    expect(await bench.admit("hello")).toBe("failed");
    await eventually(() => status().state === "backing_off", "it backs off");
    expect(await bench.admit("hello")).toBe("failed");
    const { retry_in_seconds: retry, ...rest } = status();
    expect(rest).toMatchObject({ state: "backing_off", pid: null, restarts: 1, overdue: 0 });
    expect(rest.last_error?.detail).toMatch(/^a policy failed.*2 times in a row/);
    expect(bench.log()).toContain(why);
    expect(retry).toBeGreaterThan(0);
    await eventually(() => workers(spawner) === 0, "no child is left");
  });

  test("one whose import takes longer than a policy may: the first message waits for it", async () => {
    const slow = appThat(
      language,
      "time.sleep(1)",
      "await new Promise((resolve) => setTimeout(resolve, 1000));",
    );
    bench = await appBench(spawner, language, slow, { admitMs: 500 });
    expect(await bench.admit("hello")).toBe("hello");
    expect(status()).toMatchObject({ state: "ready", restarts: 0, policies: { answered: 1 } });
  });

  test("one that holds more memory than it may is replaced; what runs in it finishes first", async () => {
    let bytes = 50;
    const memory = { of: () => bytes };
    const limits = { memoryEveryMs: 20, provenMs: -1 };
    bench = await appBench(spawner, language, fixtureApp(language), limits, { memory, maxProcessBytes: 100 });
    expect(await bench.admit("hello")).toBe("hello");
    expect(status()).toMatchObject({ rss_bytes: 50, restarts: 0 });
    const first = status().pid;
    bytes = 200 * 1024 ** 2;
    await bench.logged("the app's worker is started again: it holds 200 MiB, more than max_process_mb");
    bytes = 50;
    expect(await bench.admit("hello")).toBe("hello");
    expect(status().pid).not.toBe(first);
  });

  test("a message that comes while the worker is in doubt goes to the next one", async () => {
    bench = await appBench(spawner, language, fixtureApp(language), { hookMs: 100, admitMs: 20_000 });
    expect(await bench.admit("hello")).toBe("hello");
    bench.received("hook blocks");
    await bench.logged("a hook failed: it took longer than 0.1 seconds");
    expect(await bench.admit("hello")).toBe("hello");
    expect(bench.log()).toContain("its code is stuck");
  });

  test("a message that comes when the worker has just died goes to the next one", async () => {
    bench = await appBench(spawner, language, fixtureApp(language));
    expect(await bench.admit("hello")).toBe("hello");
    const [worker] = [...spawner.live].filter(({ purpose }) => purpose === "app");
    if (worker === undefined || worker.pid === null) throw new Error("the app has no worker");
    process.kill(worker.pid, "SIGKILL");
    while (worker.exit === null) await new Promise((resolve) => setImmediate(resolve));
    expect(await bench.admit("hello")).toBe("hello");
    expect(status()).toMatchObject({ restarts: 1, policies: { answered: 2, lost: 0 } });
  });

  test("read anew it goes on counting, and removed it is forgotten", async () => {
    bench = await appBench(spawner, language, fixtureApp(language));
    await bench.admit("hello");
    await bench.admit("policy throws");
    bench.readAnew();
    expect(bench.apps.find("bot")?.status()).toMatchObject({
      policies: { answered: 1, failed: 1 },
      last_error: { detail: expect.stringContaining("no such rule, token <ORDERS_TOKEN>") },
    });
    await bench.apps.remove("bot");
    bench.readAnew();
    expect(bench.apps.find("bot")?.status()).toMatchObject({ policies: { answered: 0 }, last_error: null });
  });
});

test("nothing is started after the end of all apps", async () => {
  bench = await appBench(spawner, "python", fixtureApp("python"));
  await bench.apps.stop();
  bench.readAnew();
  expect(bench.apps.all).toEqual([]);
});
