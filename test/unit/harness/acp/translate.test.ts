/** An agent's reports as Karta's events: in order, once, and never an end of the turn for what is not known. */
import { describe, expect, test } from "@jest/globals";
import { TurnTranslator } from "../../../../daemon/harness/acp/translate.ts";
import { readReport } from "../../../../daemon/harness/acp/updates.ts";
import { UsageMeter } from "../../../../daemon/harness/acp/usage.ts";
import type { HarnessEvent } from "../../../../daemon/harness/harness.ts";

function eventsOf(...updates: readonly object[]): HarnessEvent[] {
  const events: HarnessEvent[] = [];
  const translator = new TurnTranslator((event) => void events.push(event));
  for (const update of updates) {
    const report = readReport({ sessionId: "s", update });
    if (report?.update) translator.translate(report.update);
  }
  translator.end();
  return events;
}

const text = (said: string, sessionUpdate = "agent_message_chunk") => ({
  sessionUpdate,
  content: { type: "text", text: said },
});

describe("a tool call as OpenCode tells it", () => {
  const pending = {
    sessionUpdate: "tool_call",
    toolCallId: "t",
    title: "write",
    kind: "edit",
    status: "pending",
    rawInput: {},
  };
  const running = {
    sessionUpdate: "tool_call_update",
    toolCallId: "t",
    title: "write",
    status: "in_progress",
    rawInput: { filePath: "a.txt" },
  };
  const done = {
    sessionUpdate: "tool_call_update",
    toolCallId: "t",
    title: "tmp/a.txt",
    status: "completed",
    content: [
      { type: "content", content: { type: "text", text: "Wrote it." } },
      { type: "diff", path: "a.txt", oldText: "", newText: "x" },
    ],
  };
  const use = { type: "tool_use", id: "t", name: "write", input: { filePath: "a.txt" } };

  test("is one use with its whole input, and one result", () => {
    expect(eventsOf(pending, running, running, done, done)).toEqual([
      use,
      { type: "tool_result", id: "t", isError: false, content: "Wrote it.\n[diff: a.txt]" },
    ]);
  });

  test("that fails has its error for a result; without content its raw output", () => {
    const failed = { ...done, status: "failed", content: null, rawOutput: { error: "no" } };
    expect(eventsOf(pending, running, failed).at(-1)).toMatchObject({
      isError: true,
      content: '{"error":"no"}',
    });
  });

  test("that was begun is told before the words that come after it", () => {
    expect(eventsOf(pending, text("then")).map(({ type }) => type)).toEqual(["tool_use", "text"]);
  });

  test("is named by its name, else by a title that is one, else by its kind", () => {
    const named = (more: object): string | undefined => {
      const first = eventsOf({ ...running, sessionUpdate: "tool_call", ...more })[0];
      return first?.type === "tool_use" ? first.name : undefined;
    };
    expect(named({ name: "Shell", title: "Run the tests", kind: "execute" })).toBe("Shell");
    expect(named({ title: "mcp.orders/find" })).toBe("mcp.orders/find");
    expect(named({ title: "Run the tests", kind: "execute" })).toBe("execute");
    expect(named({ title: null })).toBe("tool");
  });
});

test("text, thoughts, and what people are not shown by default", () => {
  expect(
    eventsOf(
      text("Hm.", "agent_thought_chunk"),
      text(""),
      text("Yes."),
      { sessionUpdate: "agent_message_chunk", content: { type: "image", data: "", mimeType: "image/png" } },
      { sessionUpdate: "plan", entries: [{ content: "look", status: "pending", priority: "high" }] },
    ),
  ).toMatchObject([
    { type: "reasoning", text: "Hm." },
    { type: "text", text: "Yes." },
    { type: "text", text: "[image]" },
    { type: "system", subtype: "plan", detail: { entries: [{ content: "look", status: "pending" }] } },
  ]);
});

test.each([
  [{ sessionUpdate: "of_next_year", x: 1 }],
  [{ sessionUpdate: "agent_message_chunk" }],
  [{ sessionUpdate: "tool_call" }],
  ["no object"],
  [null],
])("%j is passed over", (update) => {
  expect(readReport({ sessionId: "s", update })).toEqual({ sessionId: "s", update: null });
  expect(readReport({ update })).toBeNull();
});

describe("what a turn cost", () => {
  const cost = (amount: number, currency = "USD") => {
    const { update } = readReport({
      sessionId: "s",
      update: { sessionUpdate: "usage_update", used: 1, size: 2, cost: { amount, currency } },
    }) ?? { update: null };
    if (update === null) throw new Error("not understood");
    return update;
  };
  const usage = (more: object = {}) => ({
    stopReason: "end_turn",
    usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15, ...more },
  });

  test("is the difference of the conversation's running total", () => {
    const meter = new UsageMeter({ priced: true, isNew: true });
    meter.begin();
    meter.report(cost(0.5));
    expect(meter.end(usage())).toEqual({
      input_tokens: 10,
      output_tokens: 5,
      total_tokens: 15,
      cost_usd: 0.5,
    });
    meter.begin();
    meter.report(cost(9, "EUR"));
    meter.report(cost(0.75));
    expect(meter.end(null)).toMatchObject({ total_tokens: 0, cost_usd: 0.25 });
  });

  test("is not told for scripted replies, nor for a past that is not known", () => {
    const scripted = new UsageMeter({ priced: false, isNew: true });
    scripted.begin();
    scripted.report(cost(1));
    expect(scripted.end(usage())).not.toHaveProperty("cost_usd");
    const resumed = new UsageMeter({ priced: true, isNew: false });
    resumed.begin();
    resumed.report(cost(7));
    expect(resumed.end(usage())).not.toHaveProperty("cost_usd");
    resumed.begin();
    resumed.report(cost(8));
    expect(resumed.end(usage())).toMatchObject({ cost_usd: 1 });
  });

  test("counts cached and thought tokens where they come on top, as the total tells", () => {
    const meter = new UsageMeter({ priced: false, isNew: true });
    const more = { cachedReadTokens: 3, cachedWriteTokens: 2, thoughtTokens: 1 };
    expect(meter.end(usage({ ...more, totalTokens: 21 }))).toEqual({
      input_tokens: 15,
      output_tokens: 6,
      total_tokens: 21,
    });
    expect(meter.end(usage(more))).toEqual({ input_tokens: 10, output_tokens: 5, total_tokens: 15 });
    expect(meter.end({ stopReason: "end_turn" })).toMatchObject({ total_tokens: 0 });
  });
});
