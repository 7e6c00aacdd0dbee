import { describe, expect, test } from "@jest/globals";
import type { SessionEvent } from "../../../shared/events.ts";
import { eventLine, summaryOf } from "../../../cli/render/event.ts";
import { exactly, harmless, harmlessJson, oneLine, onlyColoured } from "../../../cli/render/harmless.ts";
import { painter, wantsColour } from "../../../cli/render/paint.ts";
import { poolColumns, poolText } from "../../../cli/render/pool.ts";
import { shortIdLength } from "../../../cli/render/session.ts";
import { details, table } from "../../../cli/render/table.ts";
import { ago, count, duration, momentBefore, size } from "../../../cli/render/units.ts";
import { columnsOf, cut } from "../../../cli/render/width.ts";

const plain = painter(false);

describe("text of others", () => {
  test("keeps newlines, tabs and every printable character", () => {
    expect(harmless("a\tb\nc ☕ é 中")).toBe("a\tb\nc ☕ é 中");
  });

  test("shows what a terminal would obey", () => {
    expect(harmless("\u001b]0;owned\u0007 \u009b31m \u0008 \u007f \r")).toBe("␛]0;owned␇ ‹U+009B›31m ␈ ␡ ␍");
  });

  test("a sequence cut in two by a stream is caught as well", () => {
    expect(harmless("\u001b") + harmless("[2J")).toBe("␛[2J");
  });

  test("shows by its number what reorders or hides; what scripts and emoji need stays", () => {
    expect(harmless("\u202egnp.exe\u202c a\u200bb\u2028c\u{e0041}\ud800")).toBe(
      "‹U+202E›gnp.exe‹U+202C› a‹U+200B›b‹U+2028›c‹U+E0041›‹U+D800›",
    );
    for (const text of ["👨‍👩‍👧", "❤️", "می‌خواهم", "a\u200f!"]) expect(harmless(text)).toBe(text);
  });

  test("is shown to the last character where it is decided on", () => {
    expect(exactly("rm\u200d -rf\u3164/\ufe0f\r\nok\u034f")).toBe(
      "rm‹U+200D› -rf‹U+3164›/‹U+FE0F›␍\nok‹U+034F›",
    );
    expect(exactly("plain\ttext")).toBe("plain\ttext");
  });

  test("is the same value in JSON that nothing obeys", () => {
    const value = { "\u009b": "\u202e\u007f \u{e0041} \u001b ☕" };
    const json = harmlessJson(JSON.stringify(value));
    expect(json).toBe('{"\\u009b":"\\u202e\\u007f \\udb40\\udc41 \\u001b ☕"}');
    expect(JSON.parse(json)).toEqual(value);
  });

  test("that a renderer forgot keeps its colours and nothing else", () => {
    expect(onlyColoured("\u001b[31mred\u001b[39m \u001b[2J \u001b]0;t\u0007 \u202e\n")).toBe(
      "\u001b[31mred\u001b[39m ␛[2J ␛]0;t␇ ‹U+202E›\n",
    );
  });

  test("takes one line where one line is wanted", () => {
    expect(oneLine("a\r\nb\tc")).toBe("a↵b c");
  });
});

describe("width", () => {
  test.each([
    ["plain", 5],
    ["中文", 4],
    ["e\u0301", 1],
    ["☕", 2],
    ["👨‍👩‍👧", 2],
    ["❤️", 2],
    ["한국", 4],
    ["ｆ", 2],
    ["", 0],
  ])("%j takes %i columns", (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
  });

  test("a cut never passes the limit and never splits a character", () => {
    expect(cut("中文字", 4)).toBe("中…");
    expect(cut("abc", 3)).toBe("abc");
    expect(cut("abcd", 3)).toBe("ab…");
  });
});

describe("tables", () => {
  const rows = [
    { name: "中文", count: 7, path: "/a/long/path/to/somewhere" },
    { name: "b\u001b[2J", count: 12, path: "/b" },
  ];
  const columns = [
    { header: "NAME", cell: (row: { name: string }) => row.name },
    { header: "N", cell: (row: { count: number }) => String(row.count), align: "right" as const },
    { header: "PATH", cell: (row: { path: string }) => row.path, shrink: true as const },
  ];

  test("align wide characters and numbers, and make every cell harmless", () => {
    expect(table(rows, columns, { paint: plain, columns: null }).split("\n")).toEqual([
      "NAME    N  PATH",
      "中文    7  /a/long/path/to/somewhere",
      "b␛[2J  12  /b",
    ]);
  });

  test("fit the terminal by cutting the column that gives way", () => {
    const lines = table(rows, columns, { paint: plain, columns: 24 }).split("\n");
    expect(Math.max(...lines.map(columnsOf))).toBeLessThanOrEqual(24);
    expect(lines[1]).toBe("中文    7  /a/long/path…");
  });

  test("details keep a value of several lines in its column", () => {
    expect(
      details(
        [
          ["agents", "a\nb"],
          ["x", "y"],
        ],
        plain,
      ),
    ).toBe("agents  a\n        b\nx       y");
  });
});

describe("units", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");

  test("times", () => {
    expect(ago("2026-01-01T11:57:00Z", now)).toBe("3 min ago");
    expect(ago("2026-01-01T12:00:05Z", now)).toBe("just now");
    expect(ago("2025-12-30T12:00:00Z", now)).toBe("2 d ago");
    expect(duration(3723)).toBe("1 h 2 min");
    expect(duration(3601)).toBe("1 h");
    expect(duration(0.4)).toBe("0 s");
  });

  test("sizes and counts", () => {
    expect([0, 1023, 1536, 190_840_832].map(size)).toEqual(["0 B", "1023 B", "1.5 KiB", "182 MiB"]);
    expect([count(1, "turn"), count(0, "turn")]).toEqual(["1 turn", "0 turns"]);
  });

  test("moments", () => {
    expect(momentBefore("10m", now)).toBe(now - 600_000);
    expect(momentBefore("2h30m", now)).toBe(now - 9_000_000);
    expect(momentBefore("2026-01-01T00:00:00Z", now)).toBe(now - 43_200_000);
    expect(momentBefore("10", now)).toBeNull();
    expect(momentBefore("soon", now)).toBeNull();
  });
});

describe("colour", () => {
  const facts = { env: {}, isTTY: true, preference: "auto" as const };

  test("is for terminals; NO_COLOR wins, then FORCE_COLOR, then the preference", () => {
    expect(wantsColour(facts)).toBe(true);
    expect(wantsColour({ ...facts, isTTY: false })).toBe(false);
    expect(wantsColour({ ...facts, env: { TERM: "dumb" } })).toBe(false);
    expect(wantsColour({ ...facts, preference: "never" })).toBe(false);
    expect(wantsColour({ ...facts, isTTY: false, preference: "always" })).toBe(true);
    expect(wantsColour({ ...facts, preference: "never", env: { FORCE_COLOR: "1" } })).toBe(true);
    expect(wantsColour({ ...facts, env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).toBe(false);
  });
});

describe("events", () => {
  const base = { seq: 1, session_id: "sess_abcdefghijklmnop", turn_id: null, timestamp: 0 };

  test("fit one line of the terminal", () => {
    const event: SessionEvent = {
      ...base,
      type: "tool_result",
      data: { tool_use_id: "t", is_error: true, content: "line\n".repeat(1000) },
    };
    const line = eventLine(event, plain, 80);
    expect(columnsOf(line)).toBeLessThanOrEqual(80);
    expect(line).not.toContain("\n");
    expect(line).toContain("failed: line↵");
  });

  test("say what they are about in a phrase", () => {
    const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    const message = { id: "m", role: "assistant" as const, text: "", parts: [] };
    const done: SessionEvent = { ...base, type: "done", data: { status: "completed", message, usage } };
    const failed: SessionEvent = {
      ...base,
      type: "error",
      data: { code: "model_error", message: "overloaded", retryable: true },
    };
    expect(summaryOf(done)).toBe("completed, 2 tokens");
    expect(summaryOf(failed)).toBe("model_error: overloaded (can be tried again)");
  });
});

test("short ids are as long as it takes to tell them apart", () => {
  expect(shortIdLength(["sess_aaaaaaaaaa1", "sess_aaaaaaaaaa2"])).toBe("sess_aaaaaaaaaa1".length);
  expect(shortIdLength(["sess_aaaaaaaaaa1"])).toBe("sess_aaaaaaaa".length);
  expect(shortIdLength([])).toBe("sess_aaaaaaaa".length);
});

describe("the pool", () => {
  const held = (state: string, session_id: string | null, rss_bytes: number | null, pid = 4711) => ({
    id: "proc_0123456789abcdefghijklmn",
    pid,
    state,
    project: "bot",
    session_id,
    age_seconds: 65,
    turns: 3,
    rss_bytes,
  });
  const processes = [held("bound", "sess_abcdefghijkl", 180 * 1024 * 1024), held("ready", null, null, 4712)];
  const pool = {
    max_processes: 16,
    waiting: 2,
    warm_starts: 5,
    cold_starts: 1,
    evictions: 1,
    crashes: 1,
    oversized: 0,
    backing_off: [{ project: "b\u001bad", failures: 3, retry_in_seconds: 1.2 }],
  };

  test("is a line for each process, a spare named as one", () => {
    expect(table(processes, poolColumns(processes), { paint: plain, columns: null }).split("\n")).toEqual([
      "ID              PID  STATE  PROJECT  SESSION        AGE         MEMORY  TURNS",
      "proc_01234567  4711  bound  bot      sess_abcdefgh  1 min 5 s  180 MiB      3",
      "proc_01234567  4712  ready  bot      spare          1 min 5 s        -      3",
    ]);
  });

  test("names what several sessions share, and how many processes that are", () => {
    const shared = [
      held("bound", "sess_abcdefghijkl", 600 * 1024 * 1024),
      held("busy", "sess_bcdefghijklm", 600 * 1024 * 1024),
      held("ready", null, 180 * 1024 * 1024, 4712),
    ];
    const lines = table(shared, poolColumns(shared), { paint: plain, columns: null }).split("\n");
    expect(lines.map((line) => /\S+ MiB( for \d)?/.exec(line)?.[0])).toEqual([
      undefined,
      "600 MiB for 2",
      "600 MiB for 2",
      "180 MiB",
    ]);
    expect(poolText({ processes: shared, pool }, plain)).toContain(
      "3 places of 16, in 2 processes: 1 spare, 1 bound, 1 busy",
    );
  });

  test("sums up, and says what backs off and for how long", () => {
    expect(poolText({ processes, pool }, plain).split("\n")).toEqual([
      "2 of 16 processes: 1 spare, 1 bound, 0 busy; 2 waiting",
      "since the start: 5 warm and 1 cold starts, 1 eviction, 1 crash, 0 over the memory limit",
      "b␛ad backs off after 3 failures: it may start again in 2 s",
    ]);
  });
});
