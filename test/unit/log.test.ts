/** The log as kartad opens it, with its files on a real disk. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { inspect, stripVTControlCharacters } from "node:util";
import { noteLogContext, outsideLogContext, withLogContext } from "../../daemon/log/context.ts";
import { journalLine } from "../../daemon/log/journal.ts";
import { Secrets } from "../../daemon/log/secrets.ts";
import { Log, type LogOptions } from "../../daemon/log.ts";
import type { LogLine } from "../../shared/protocol/logs.ts";
import { maskShapes } from "../../shared/secret-shapes.ts";
import { logLine } from "../../shared/terminal/log-line.ts";
import { painter } from "../../shared/terminal/paint.ts";

let home: string;
let log: Log;
const opened: Log[] = [];

async function open(options: Partial<LogOptions> = {}): Promise<Log> {
  log = await Log.open({
    stateHome: home,
    level: "trace",
    toFile: true,
    standardError: "nothing",
    elsewhere: null,
    env: {},
    ...options,
  });
  opened.push(log);
  return log;
}

beforeEach(() => void (home = mkdtempSync(path.join(os.tmpdir(), "karta-t-log-"))));
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  rmSync(home, { recursive: true, force: true });
});

/** The files' lines as they are on the disk, oldest first. */
function written(): string[] {
  const folder = path.join(home, "logs");
  const number = (name: string): number => Number(/\d+/.exec(name)?.[0]);
  return readdirSync(folder)
    .sort((a, b) => number(a) - number(b))
    .flatMap((name) => readFileSync(path.join(folder, name), "utf8").split("\n").slice(0, -1));
}

/** All that a terminal obeys, that breaks lines, hides or reorders. */
const HOSTILE = [
  "two\nlines",
  '\n{"level":60,"time":1,"msg":"forged"}\n',
  "\u001b[2J\u001b]8;;http://evil.example\u0007link\u001b]8;;\u0007",
  "\u001b]52;c;ZXZpbA==\u0007\u009b31m\u0090dcs\u009c\u007f\b\r\u0000",
  '\u2028{"level":60,"time":1,"msg":"forged"}\u2028\u2029\u0085',
  "\u202etxt.exe\u202c \u2066a\u2069 \u200b\ufeff \u{e0041}",
  Buffer.from([0x66, 0xff, 0xfe, 0x1b, 0x5b, 0x41]).toString("utf8"),
  `half a pair \ud800 <6>not a priority`,
] as const;
/** None of these may be in what is written: but newlines, which end lines. */
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/;

describe("a line", () => {
  test("is one line of harmless text, whatever was put into it", async () => {
    await open();
    for (const text of HOSTILE) {
      log.logger.info(text);
      log.logger.warn({ project: text, path: text, [text]: text, deep: { [text]: [text] } }, "fields");
      log.logger.error({ err: new Error(text) }, "an error");
      withLogContext({ project: text }, () => log.logger.child({ part: text }).info("bound"));
    }
    const lines = written();
    expect(lines).toHaveLength(4 * HOSTILE.length);
    for (const line of lines) {
      expect(line).not.toMatch(OBEYED);
      expect(JSON.parse(line)).toMatchObject({ time: expect.any(Number) });
    }
    const read = await log.read({});
    expect(read).toHaveLength(lines.length);
    expect(read.filter(({ msg }) => msg === "forged")).toEqual([]);
    expect(read[0]?.msg).toBe(HOSTILE[0]); // the value is what it was
  });

  test.each([
    ["for people", (line: LogLine) => logLine({ ...line, err: undefined }, painter(false))],
    [
      "in colour",
      (line: LogLine) => stripVTControlCharacters(logLine({ ...line, err: undefined }, painter(true))),
    ],
    ["for the journal", (line: LogLine) => journalLine(line).slice(0, -1)],
  ])("stays one line %s", (_, shown) => {
    for (const text of HOSTILE) {
      const line = shown({ level: 30, time: 0, msg: text, project: text, [text]: { [text]: text } });
      expect([inspect(text), line]).toEqual([inspect(text), expect.not.stringMatching(/\n/)]);
      expect(line).not.toMatch(OBEYED);
    }
  });

  test("has a bound, and keeps the names of what it belongs to", async () => {
    await open();
    const ids = { request_id: "req_1", project: "bot", session_id: "sess_1", turn_id: "turn_1" };
    withLogContext(ids, () => {
      log.logger.warn({ stderr: "x".repeat(10_000_000) }, "long");
      log.logger.warn({ many: Array.from({ length: 10_000 }, (_, place) => `text ${place}`) }, "many");
      log.logger.warn("m".repeat(1_000_000));
    });
    expect(written().every((line) => line.length < 40_000)).toBe(true);
    expect(await log.read({ turn: "turn_1" })).toMatchObject([
      { ...ids, msg: "long", stderr: expect.stringMatching(/^x+… \(10000000 characters\)$/) },
      { ...ids, msg: "many" },
      { ...ids, msg: expect.stringMatching(/^m+… /) },
    ]);
  });

  test("for the journal is no longer than what journald takes as one", () => {
    const line = journalLine({ level: 60, time: 0, msg: "語".repeat(100_000) });
    expect(Buffer.byteLength(line)).toBeLessThan(48 * 1024);
    expect(line).toMatch(/^<2>語+\ufffd?…\n$/);
    expect(journalLine({ level: 30, time: 0, msg: "a", project: "bot" })).toBe('<6>a {"project":"bot"}\n');
  });
});

describe("secrets", () => {
  const env = {
    MODEL_API_KEY: 'se"cr\\et-value',
    DB_PASSWORD: "päss wörd 1",
    PATH: "/usr/bin",
    SHORT_KEY: "dev",
  };

  test("are replaced by their names wherever a line has them, and nothing else is", async () => {
    await open({ env });
    const key = env.MODEL_API_KEY;
    log.logger.info(`a ${key} b ${encodeURIComponent(env.DB_PASSWORD)}`);
    log.logger.info(
      { err: new Error(`no ${key}`, { cause: new Error(key) }), deep: { a: [{ b: key }] } },
      "x",
    );
    log.logger.info({ dump: JSON.stringify({ key }), path: "/usr/bin", mode: "dev", time_of: 12345678 }, "y");
    const text = written().join("\n");
    expect(text).not.toContain("cr\\\\et");
    expect(text).not.toContain("wörd");
    expect(await log.read({})).toMatchObject([
      { msg: "a <MODEL_API_KEY> b <DB_PASSWORD>" },
      {
        deep: { a: [{ b: "<MODEL_API_KEY>" }] },
        err: { message: expect.stringContaining("<MODEL_API_KEY>") },
      },
      { dump: '{"key":"<MODEL_API_KEY>"}', path: "/usr/bin", mode: "dev", time_of: 12345678 },
    ]);
  });

  test("one that is a field's name or a number does not break the line", async () => {
    await open({ env: { A_TOKEN: "session_id", B_TOKEN: String(Date.now()).slice(0, 8) } });
    log.logger.info({ session_id: "sess_1" }, "a session_id");
    expect(await log.read({})).toMatchObject([{ session_id: "sess_1", msg: "a <A_TOKEN>" }]);
  });

  test("fields that are named as one are never written, at any depth", async () => {
    await open();
    const fields = {
      headers: { Authorization: "x", cookie: "x", "x-api-key": "x" },
      options: [{ env: { A: "x" } }],
    };
    log.logger.info({ ...fields, identity_token: "x", input_tokens: 7, key_id: "key_1" }, "made");
    expect(await log.read({})).toMatchObject([
      {
        headers: { Authorization: "[redacted]", cookie: "[redacted]", "x-api-key": "[redacted]" },
        options: [{ env: "[redacted]" }],
        identity_token: "[redacted]",
        input_tokens: 7,
        key_id: "key_1",
      },
    ]);
  });

  test("of a folder count from when it is read until it is read again", () => {
    const { mask, learn } = new Secrets({});
    learn("/a", [["A_KEY", "first-value"]]);
    learn("/b", [["B", "other-value"]]);
    expect(mask("first-value other-value")).toBe("<A_KEY> <B>");
    learn("/a", [["A_KEY", "second-value"]]);
    expect(mask("first-value second-value")).toBe("first-value <A_KEY>");
    for (let folder = 0; folder < 300; folder += 1) learn(`/${folder}`, [["C", "third-value"]]);
    expect(mask("other-value")).toBe("other-value"); // a bound: the oldest go
  });

  test.each([
    [`sk_live_abcdefghijkl_${"0a".repeat(25)}`, "sk_live_abcdefghijkl…"],
    ["sk_live_abcdefghijkl", "sk_live_abcdefghijkl"],
    [`idsec_${"0a".repeat(32)}`, "idsec_…"],
    ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", "eyJhbGci…"],
    ["sk-ant-api03-0123456789abcdefghij", "sk-ant-…"],
    ["Authorization: Bearer abc123def456", "Authorization: Bearer …"],
    ['{"x-api-key":"0123456789"}', '{"x-api-key":"…"}'],
    ["postgres://karta:hunter2@db/x", "postgres://karta:…@db/x"],
    ["ghp_0123456789abcdef0123", "ghp_…"],
    ["send the header `Authorization: Bearer KEY` or `x-api-key: KEY`", null],
    ["a basic understanding of bearer tokens, 12 input_tokens", null],
    ["https://host:8000/v1/sessions/sess_0123456789", null],
  ])("a text of a known form is cut: %s", (text, masked) => {
    expect(maskShapes(`a ${text} b`)).toBe(`a ${masked ?? text} b`);
  });
});

describe("whose a line is", () => {
  test("is on every line of its work, over awaits and timers, and on no other", async () => {
    await open();
    const { logger } = log;
    const work = (name: string) =>
      withLogContext({ request_id: `req_${name}` }, async () => {
        logger.info("begins");
        await new Promise((resolve) => setTimeout(resolve, 1));
        noteLogContext({ session_id: `sess_${name}`, project: "bot" });
        logger.child({ session_id: "sess_own" }).info("its own");
        logger.info("ends");
        outsideLogContext(() => logger.info("outlives it"));
      });
    await Promise.all([work("a"), work("b")]);
    logger.info("nobody's");
    expect(await log.read({ request: "a" })).toMatchObject([
      { msg: "begins", request_id: "req_a" },
      { msg: "its own", request_id: "req_a", session_id: "sess_own" },
      { msg: "ends", request_id: "req_a", session_id: "sess_a", project: "bot" },
    ]);
    const others = (await log.read({})).filter((line) => line.request_id === undefined);
    expect(others).toMatchObject([{ msg: "outlives it", project: "bot" }, {}, { msg: "nobody's" }]);
    for (const line of written()) expect(line.match(/"session_id"/g)?.length ?? 0).toBeLessThan(2);
  });
});

describe("what is kept", () => {
  test("is read and followed over rotations, the newest first in the bound", async () => {
    await open({ fileSize: "2k" });
    const followed: string[] = [];
    log.follow({ level: "info" }, ({ msg }) => void followed.push(msg ?? ""));
    for (let number = 0; number < 100; number += 1) {
      log.logger.info({ filling: "x".repeat(100) }, String(number));
      log.logger.debug("left out");
      await new Promise((resolve) => setImmediate(resolve)); // a rotation takes a turn of the event loop
    }
    expect(followed).toEqual(Array.from({ length: 100 }, (_, number) => String(number)));
    const files = readdirSync(path.join(home, "logs"));
    expect(files.length).toBeGreaterThan(2);
    expect(files.length).toBeLessThan(8);
    // The oldest goes on the side.
    const found = files.flatMap(
      (file) => statSync(path.join(home, "logs", file), { throwIfNoEntry: false }) ?? [],
    );
    for (const { mode } of found) expect(mode & 0o777).toBe(0o600);
    expect((await log.read({ level: "info" }, 5)).map(({ msg }) => msg)).toEqual([
      "95",
      "96",
      "97",
      "98",
      "99",
    ]);
    const [first] = await log.read({ level: "info" });
    const all = (await log.read({ level: "info" })).map(({ msg }) => Number(msg));
    expect(all).toEqual(all.map((_, place) => Number(first?.msg) + place)); // no hole, no repetition
    expect(all.at(-1)).toBe(99);
  });

  test("where the journal has it, is the newest lines alone, and where the rest is", async () => {
    await open({ toFile: false, elsewhere: "journalctl --user -u kartad" });
    for (let number = 0; number < 2500; number += 1) log.logger.info(String(number));
    expect(readdirSync(home)).toEqual([]);
    const lines = await log.read({});
    expect(lines).toHaveLength(2000);
    expect(lines.at(-1)?.msg).toBe("2499");
    expect(log.older).toBe("journalctl --user -u kartad");
    expect((await log.read({}, 3)).map(({ msg }) => msg)).toEqual(["2497", "2498", "2499"]);
  });

  test("is found by what it is about; ids may be shortened", async () => {
    await open();
    const { logger } = log;
    const started = Date.now();
    logger.info({ project: "bot", session_id: "sess_ab", turn_id: "turn_1", request_id: "req_x" }, "1");
    logger.warn({ project: "bot", session_id: "sess_ac", turn_id: "turn_2" }, "2");
    logger.error({ project: "other" }, "3");
    const found = async (filter: Parameters<Log["read"]>[0]) =>
      (await log.read(filter)).map(({ msg }) => msg);
    expect(await found({ project: "bot" })).toEqual(["1", "2"]);
    expect(await found({ session: "sess_a" })).toEqual(["1", "2"]);
    expect(await found({ session: "ab" })).toEqual(["1"]);
    expect(await found({ turn: "turn_2" })).toEqual(["2"]);
    expect(await found({ request: "x" })).toEqual(["1"]);
    expect(await found({ level: "warn", since: started })).toEqual(["2", "3"]);
    expect(await found({ since: Date.now() + 1000 })).toEqual([]);
  });
});
