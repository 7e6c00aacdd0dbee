/**
 * Each way in which a policy, a hook or a tool can be wrong, in both languages: what its caller gets, within which bound,
 * and that the next honest call is answered.
 */
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { z } from "zod";
import { appBench, LANGUAGES, workers, type AppBench, type Language } from "./app-bench.ts";
import { spawnerForTests } from "./temp-project.ts";

jest.setTimeout(30_000);

const spawner = spawnerForTests();
let bench: AppBench;

async function start(language: Language): Promise<void> {
  bench = await appBench(spawner, language, troubleApp(language), { admitMs: 4000, cancelAnswerMs: 1000 });
  expect(await bench.admit("hello")).toBe("hello");
}
async function stop(): Promise<void> {
  await bench.apps.stop();
  expect(workers(spawner)).toBe(0);
}

async function refusesBy(how: string, why: string): Promise<void> {
  const before = bench.app.status().policies;
  expect(await bench.admit(how)).toBe("failed");
  expect(bench.app.status().last_error?.detail).toContain(why);
  expect(await bench.admit("hello again")).toBe("hello again");
  const { answered, failed, timed_out, lost, ...rest } = bench.app.status().policies;
  expect({
    answered: answered - before.answered,
    bad: failed + timed_out + lost - before.failed - before.timed_out - before.lost,
    ...rest,
  }).toEqual({ answered: 1, bad: 1, cancelled: 0, running: 0, waiting: 0 });
}

async function toolFailsBy(how: string, words: RegExp): Promise<void> {
  const { isError, content } = await bench.tool("tool", { how });
  expect(content).toMatch(words);
  expect(isError).toBe(true);
  expect(bench.app.status().last_error?.detail).toMatch(/^the (tool tool failed|worker was started again)/);
  expect(await bench.tool("tool", { how: "well" })).toEqual({ isError: false, content: "fine" });
}

function troubleApp(language: Language): Record<string, string> {
  const ending = language === "python" ? "py" : "mjs";
  const source = new URL(`../../fixtures/apps/trouble.${ending}`, import.meta.url);
  return { [`app.${ending}`]: readFileSync(source, "utf8") };
}

const WORDS = "wörter 語 😀 \ud800 \u2028";

describe.each(LANGUAGES)("in %s", (language) => {
  const untellable = language === "python" ? "str() failed" : "cannot be told";

  describe("one worker goes on over a policy that does this, which refuses:", () => {
    beforeAll(() => start(language));
    afterAll(stop);
    afterEach(() => expect(bench.app.status()).toMatchObject({ state: "ready", restarts: 0 }));

    test.each([
      ["raise untellable", untellable],
      ["number", "return allow(), refuse(message), rewrite(text)"],
      ["decide by hand", language === "python" ? "not JSON serializable" : "BigInt"],
      ["decide what there is not", "return allow()"],
      ["rewrite past the limit", "it gave back what it may not: text "],
      ["rewrite too long", "at most 1048576 are taken"],
    ])("%s", refusesBy);

    test.each([
      ["raise", /out of stock$/],
      ["raise untellable", language === "python" ? /str\(\) failed/ : /cannot be told/],
      ["hold itself", /[Cc]ircular/],
      ["no JSON", language === "python" ? /keys must be/ : /BigInt/],
      ["too large", /at most 1048576 are taken/],
    ])("or a tool, an error for the agent: %s", toolFailsBy);
  });
});

describe.each(LANGUAGES)("in %s, in a worker of its own,", (language) => {
  const untellable = language === "python" ? "str() failed" : "cannot be told";

  beforeEach(() => start(language));
  afterEach(stop);

  describe("a policy that does this refuses, and the next message is looked at:", () => {
    test.each([
      ["exit the interpreter", language === "python" ? "SystemExit: bye" : "it exited with code 1"],
      ["hang", "it took longer than 4 seconds"],
      ["close what is printed to", "after that"],
      ["die", "it was ended by SIGKILL"],
    ])("%s", refusesBy);
  });

  test("a policy's words may be any, its prints and its text long", async () => {
    expect(await bench.admit("refuse in words")).toBe(`refused: ${WORDS}`);
    expect(await bench.admit("rewrite long")).toBe("語".repeat(200_000));
    expect(await bench.admit("print")).toBe("print");
    await bench.logged("wörter 語 😀");
    await bench.logged("p".repeat(2000));
    expect(await bench.admit(WORDS)).toBe(WORDS);
    expect(bench.app.status()).toMatchObject({ state: "ready", restarts: 0, last_error: null });
  });

  describe("a hook that does this holds up nothing:", () => {
    test.each([
      ["raise", untellable],
      ["hang", "it took longer than 0.5 seconds"],
      ["die", "it was ended by SIGKILL"],
    ])("%s", async (how, why) => {
      bench.received(how);
      // One that is asked in the very moment of the death may be lost with it; no other is.
      expect(await bench.admit("hello")).toMatch(how === "die" ? /^(hello|failed)$/ : /^hello$/);
      await bench.logged("a hook failed");
      expect(bench.app.status().last_error?.detail).toContain(why);
      expect(await bench.admit("hello again")).toBe("hello again");
    });
  });

  describe("a tool that does this is an error for the agent, and the next call is answered:", () => {
    test.each([
      ["exit the interpreter", language === "python" ? /SystemExit: 3/ : /not running just now/],
      ["hang", /took longer than 4 seconds$/],
      ["die", /not running just now/],
    ])("%s", toolFailsBy);
  });

  test("a tool's words may be any, its prints raw, its answer large; its own refusal is no failure", async () => {
    expect(await bench.tool("tool", { how: "words" })).toEqual({ isError: false, content: WORDS });
    expect(await bench.tool("tool", { how: "refuse" })).toEqual({ isError: true, content: WORDS });
    expect(await bench.tool("tool", { how: "nothing" })).toEqual({ isError: false, content: "" });
    expect((await bench.tool("tool", { how: "large" })).content).toHaveLength(1_000_000);
    expect(await bench.tool("tool", { how: "print" })).toEqual({ isError: false, content: "printed" });
    await bench.logged("�� raw");
    expect(bench.app.status()).toMatchObject({
      tools: { answered: 5, failed: 0 },
      restarts: 0,
      last_error: null,
    });
  });

  test("its environment is the few names that it needs, and those of [env]", async () => {
    const { content } = await bench.tool("tool", { how: "environment" });
    const own = language === "python" ? ["PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING", "PYTHONPATH"] : [];
    const told: unknown = JSON.parse(content);
    // Where pip put the operator's packages, what Python sets for itself, and what the shell before Node does.
    const harmless = ["PYTHONUSERBASE", "LC_CTYPE", "PWD", "OLDPWD", "SHLVL", "_"];
    expect(
      z
        .array(z.string())
        .parse(told)
        .filter((name) => !harmless.includes(name)),
    ).toEqual(
      ["HOME", "KARTA_APP_ROOT", "KARTA_INSTANCE", "KARTA_PROCESS", "ORDERS_TOKEN", "PATH", ...own].sort(),
    );
  });
});
