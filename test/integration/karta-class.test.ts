/** `Karta` outside kartad, in both languages, over connections that break: each event once, in order; each message runs once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, describe, expect, jest, test } from "@jest/globals";
import { execa } from "execa";
import { packageRoot } from "../../shared/paths.ts";
import type { EventDraft } from "../../shared/events.ts";
import { CuttingKarta, DONE, type Fate } from "../fixtures/cutting-karta.ts";

jest.setTimeout(120_000);

const root = packageRoot();
const folder = mkdtempSync(path.join(tmpdir(), "karta-class-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PROGRAMS = {
  python: { command: "python3", file: "follow.py" },
  node: { command: process.execPath, file: "follow.mjs" },
} as const;

const LOST: Fate = { kind: "lost" };
const cut = (bytes: number, cleanly = false): Fate => ({ kind: "cut", bytes, cleanly });

let karta: CuttingKarta;
let sockets = 0;
afterEach(() => karta.close());

async function listen(over: "url" | "socket"): Promise<string> {
  const socket = path.join(folder, `${(sockets += 1)}.sock`);
  karta = await CuttingKarta.listen(over === "url" ? 0 : socket);
  return over === "url" ? karta.url : socket;
}

/** Runs a part of follow.py or follow.mjs to its end. */
async function run(
  language: keyof typeof PROGRAMS,
  mode: string,
  place: string,
  count = 0,
): Promise<unknown> {
  const { command, file } = PROGRAMS[language];
  const args = [path.join(root, "test/fixtures/apps", file), mode, place, String(count)];
  const { stdout } = await execa(command, args, {
    env: {
      PATH: process.env.PATH ?? "",
      PYTHONPATH: path.join(root, "daemon/apps/python"),
      PYTHONDONTWRITEBYTECODE: "1",
    },
    extendEnv: false,
  });
  return JSON.parse(stdout);
}

describe.each(["python", "node"] as const)("in %s", (language) => {
  const follow = (mode: string, place: string, count?: number) => run(language, mode, place, count);

  test.each(["url", "socket"] as const)(
    "over a %s, streams that are lost and cut anywhere are told whole, and run once",
    async (over) => {
      const place = await listen(over);
      const words = ["wörter 語 😀", "\u2028", "x".repeat(300), "end"];
      const says = (text: string): EventDraft => ({
        type: "text",
        data: { part: { type: "text", text }, message_id: "msg_a" },
      });
      karta.script = [
        { ...says("of another turn"), ofTurn: "turn_other" },
        { type: "system", data: { subtype: "status", detail: null } },
        ...words.map(says),
        { ...DONE, ofTurn: "turn_other" },
      ];
      const turns = 24;
      for (let turn = 0; turn < turns; turn += 1)
        karta.fates.push(LOST, cut(turn * 37, turn % 2 === 0), cut(300 + turn * 31), { kind: "whole" });
      karta.fates.push({ kind: "cut_off", bytes: 700, code: "slow_consumer" });
      karta.creationFates.push(LOST, cut(40));
      const each = words.length + 5; // the message, three that are not shown, the words and the end
      const expected = Array.from({ length: turns + 1 }, (_, turn) => [
        ...words.map((text, index) => [turn * each + index + 4, "text", text]),
        [turn * each + each, "done", ""],
      ]);
      expect(await follow("turns", place, turns)).toEqual(expected);
      expect(karta.turns).toBe(turns + 1);
      const creations = karta.requests.filter(({ line }) => line === "POST /v1/sessions");
      expect(creations).toHaveLength(3);
      expect(new Set(creations.map(({ key }) => key)).size).toBe(1);
      expect(karta.requests.some(({ line }) => /\/events\?after=\d+$/.test(line))).toBe(true);
    },
  );

  test("a message whose answer is lost is sent again and runs once; a key of one's own finds its turn", async () => {
    const place = await listen("url");
    karta.fates.push(LOST, cut(10), { kind: "whole" }, LOST, {
      kind: "refused",
      status: 502,
      body: "<html>",
    });
    expect(await follow("sends", place, 2)).toEqual(["turn_1", "turn_2", "turn_3", "turn_3"]);
    expect(karta.turns).toBe(3);
  });

  test.each<[string, Fate, unknown]>([
    [
      "what Karta refuses",
      { kind: "refused", status: 429, body: '{"error":"queue_full","detail":"16 turns wait"}' },
      ["queue_full", 429, "16 turns wait"],
    ],
    [
      "a proxy's own page",
      { kind: "refused", status: 502, body: "<html>Bad Gateway</html>" },
      ["internal", 502, expect.stringContaining("502")],
    ],
  ])("%s is told at once", async (_what, fate, told) => {
    const place = await listen("url");
    karta.fates.push(fate);
    expect(await follow("error", place)).toEqual(told);
    expect(karta.requests).toHaveLength(2);
  });

  test("nobody there: where it looked, and what to do", async () => {
    const place = await listen("socket");
    expect(await follow("error", `${place}.none`)).toEqual([
      "no daemon",
      expect.stringMatching(/^kartad does not answer at .*\.none \(.*\).*karta start/),
    ]);
  });

  test("many conversations that wait hold up no other, and whoever leaves is not held up by theirs", async () => {
    const place = await listen("url");
    expect(await follow("crowd", place, 20)).toEqual(["completed", 40]);
  });
});

// Those of Node are karta/client's, and tested there.
describe("in python, by the clocks of its own client", () => {
  test("a connection that brings nothing any more is left for another one", async () => {
    const place = await listen("url");
    karta.script = [{ type: "text", data: { part: { type: "text", text: "a" }, message_id: "msg_a" } }];
    karta.fates.push({ kind: "stalls", bytes: 0 }, { kind: "stalls", bytes: 300 });
    expect(await run("python", "silence", place)).toEqual([
      [2, "text", "a"],
      [3, "done", ""],
    ]);
    expect(karta.turns).toBe(1);
  });

  test("a caller with a limit of its own is told when it is over, and that the turn goes on", async () => {
    const place = await listen("url");
    expect(await run("python", "impatient", place)).toMatch(
      /^kartad took longer than 0\.3 seconds to answer; what it does goes on/,
    );
    expect(karta.turns).toBe(1);
  });
});
