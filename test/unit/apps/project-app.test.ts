import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { eventually } from "../../support/processes.ts";
import { appBench, expectNoSecret, fixtureApp, LANGUAGES, workers, type AppBench } from "./app-bench.ts";
import { spawnerForTests } from "./temp-project.ts";

jest.setTimeout(30_000);

const spawner = spawnerForTests();
let bench: AppBench;
afterEach(async () => {
  await bench.apps.stop();
  expect(workers(spawner)).toBe(0);
});

describe.each(LANGUAGES)("an app's worker in %s", (language) => {
  test("a policy that hangs is refused at its deadline; the next message is looked at", async () => {
    bench = await appBench(spawner, language, fixtureApp(language));
    expect(await bench.admit("hello")).toBe("hello");
    expect(await bench.admit("policy hangs")).toBe("failed");
    await bench.logged("a policy failed, so the message was refused: it took longer than 1.5 seconds");
    // Python's thread hangs alone. Node's only thread hangs: the worker is ended, and another one takes its place.
    if (language === "node") await bench.logged("the app's worker is started again: its code is stuck");
    expect(await bench.admit("hello")).toBe("hello");
  });

  test("a hook that waits for ever holds up nothing", async () => {
    bench = await appBench(spawner, language, fixtureApp(language));
    bench.received("hook waits");
    expect(await bench.admit("hello")).toBe("hello");
    await bench.logged("a hook failed: it took longer than 0.5 seconds");
    expect(await bench.admit("hello")).toBe("hello");
    expect(bench.log()).not.toContain("started again");
  });

  test("a hook that blocks the loop of all async code has its worker ended at its deadline", async () => {
    bench = await appBench(spawner, language, fixtureApp(language), { cancelAnswerMs: 300 });
    expect(await bench.admit("hello")).toBe("hello");
    bench.received("hook blocks");
    await bench.logged("the app's worker is started again: its code is stuck: it held up a deadline");
    expect(await bench.admit("hello")).toBe("hello");
  });

  test("a worker whose calls go on past their deadlines is replaced, and what waits goes to the new one", async () => {
    bench = await appBench(spawner, language, fixtureApp(language), { maxOverdue: 1, hookMs: 100 });
    expect(await bench.admit("hello")).toBe("hello");
    bench.received("hook waits");
    await bench.logged("the app's worker is started again: calls of it go on past their deadlines");
    expect(await bench.admit("hello")).toBe("hello");
    await eventually(() => workers(spawner) === 1, "the old worker is gone");
  });

  test("a worker that dies is started again at once, then backs off, and then policies refuse without waiting", async () => {
    bench = await appBench(spawner, language, fixtureApp(language), { firstBackoffMs: 60_000 });
    expect(await bench.admit("policy exits")).toBe("failed");
    expect(await bench.admit("hello")).toBe("hello");
    expect(await bench.admit("policy exits")).toBe("failed");
    await bench.logged("the app's worker failed: it exited with code 7");
    expect(await bench.admit("hello")).toBe("failed");
    expect(await bench.tool("look_up_order", { order_id: "1" })).toEqual({
      isError: true,
      content: "the app's code is not running just now; try again later",
    });
    bench.received("hello");
    await bench.logged("a hook failed: the app's worker is not there: it failed 2 times in a row");
  });

  test("after its wait it comes back", async () => {
    bench = await appBench(spawner, language, fixtureApp(language), { firstBackoffMs: 50 });
    for (let death = 0; death < 2; death += 1) {
      expect(await bench.admit("policy exits")).toBe("failed");
    }
    await bench.logged('"retry_in_ms":50');
    await bench.logged('"from":"backing_off","to":"starting"');
    expect(await bench.admit("hello")).toBe("hello");
  });

  test("a tool's call ends with its turn", async () => {
    bench = await appBench(spawner, language, fixtureApp(language));
    const turn = new AbortController();
    const call = bench.tool("misbehave", { how: "hang" }, turn.signal);
    await bench.logged('"to":"ready"');
    turn.abort();
    expect(await call).toEqual({ isError: true, content: "the turn was cancelled" });
    expect(await bench.tool("misbehave", { how: "well" })).toEqual({ isError: false, content: "fine" });
  });

  test("read anew or removed, its calls finish or are cut at the drain's end", async () => {
    bench = await appBench(spawner, language, fixtureApp(language));
    const quick = bench.tool("look_up_order", { order_id: "1" });
    await bench.logged("tool look_up_order 1");
    const hanging = bench.tool("misbehave", { how: "hang" });
    await Promise.resolve();
    await bench.apps.remove("bot");
    expect(await quick).toMatchObject({ isError: false });
    expect(await hanging).toMatchObject({ isError: true });
    expect(bench.apps.find("bot")).toBeNull();
    expect(await bench.admit("hello")).toBe("failed"); // whoever still holds it is not let through
  });

  test("ready policies decide by length, words, and how many came before", async () => {
    bench = await appBench(spawner, language, fixtureApp(language));
    expect(await bench.admit("x".repeat(501))).toBe("refused: too long");
    expect(await bench.admit("☕".repeat(500))).toBe("☕".repeat(500));
    expect(await bench.admit("my PASSWORD, please")).toBe("refused: no passwords, please");
    expect(await bench.admit("passwordless")).toBe("passwordless");
    expect(await bench.admit("hello", { message_count: 49 })).toBe("hello");
    expect(await bench.admit("hello", { message_count: 50 })).toBe("refused: enough for today");
  });

  test("what it throws and prints is told without its secrets", async () => {
    bench = await appBench(spawner, language, fixtureApp(language));
    expect(await bench.admit("policy throws")).toBe("failed");
    await bench.logged("no such rule, token <ORDERS_TOKEN>");
    bench.received("hook prints");
    await bench.logged("token <ORDERS_TOKEN>");
    expect((await bench.tool("misbehave", { how: "throw" })).content).toContain("gone, token <ORDERS_TOKEN>");
    expectNoSecret(bench.log());
  });
});

test("a Node app's slip outside of any call takes nothing with it", async () => {
  bench = await appBench(spawner, "node", fixtureApp("node"));
  bench.received("hook slips");
  await bench.logged("a timer slipped");
  expect(await bench.admit("hello")).toBe("hello");
  expect(bench.log()).not.toContain("started again");
});
