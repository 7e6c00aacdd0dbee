/** What each event of a session is on the managed-agents wire, and that a part keeps its id wherever a reader begins. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { LoggedEvent } from "../../../../daemon/events/logged-event.ts";
import type { EventSource } from "../../../../daemon/events/watcher.ts";
import { placeAfter } from "../../../../daemon/http/adapters/managed-agents/place.ts";
import { WireProjection } from "../../../../daemon/http/adapters/managed-agents/wire-events.ts";
import type { EventDraft } from "../../../../shared/events.ts";
import { WireEventSchema, type WireEvent } from "../../../../shared/protocol/adapters/managed-agents.ts";

type Draft = EventDraft & { readonly turn?: string | null };

/** A session's log of these events, from seq 1. */
function logOf(drafts: readonly Draft[]): LoggedEvent[] {
  return drafts.map(
    ({ type, data, turn = "turn_1" }, place) =>
      new LoggedEvent({
        id: place + 1,
        session_id: "sess_1",
        seq: place + 1,
        turn_id: turn,
        type,
        timestamp: 0,
        data: JSON.stringify(data),
      }),
  );
}

function project(drafts: readonly Draft[]): (WireEvent | null)[] {
  const projection = new WireProjection();
  return logOf(drafts).map((event) => {
    const wire = projection.project(event);
    if (wire !== null) expect(WireEventSchema.parse(wire)).toEqual(wire);
    return wire;
  });
}

function wire(draft: Draft): WireEvent | null {
  return project([draft])[0] ?? null;
}

const text = (words: string, turn = "turn_1"): Draft => ({
  type: "text",
  data: { part: { type: "text", text: words }, message_id: "msg_1" },
  turn,
});
const reasoning = (words: string): Draft => ({
  type: "reasoning",
  data: { part: { type: "reasoning", text: words } },
});
const toolUse: Draft = {
  type: "tool_use",
  data: { tool_name: "Read", tool_input: { path: "a" }, tool_use_id: "t1" },
};
const toolResult: Draft = {
  type: "tool_result",
  data: { tool_use_id: "t1", is_error: false, content: "hi" },
};
const message = (turn = "turn_1"): Draft => ({
  type: "message",
  data: { message_id: `msg_${turn}`, text: "hello", participant: null },
  turn,
});
const step: Draft = { type: "step_start", data: { step_index: 0, description: "model call" } };
const handOff: Draft = { type: "agent_handoff", data: { from: "a", to: "b" }, turn: null };
const message_ = { id: "msg_2", role: "assistant" as const, text: "", parts: [] };
const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5, cost_usd: 0.1 };
const done: Draft = { type: "done", data: { status: "completed", message: message_, usage } };

const asked = {
  request_id: "req_1",
  kind: "tool_use" as const,
  tool: "Write",
  tool_input: { file_path: "order.txt", content: "x" },
  message: "May I?",
  options: [],
  expires_at: "2026-01-01T00:00:00.000Z",
};

describe("an event", () => {
  test.each<[string, Draft, object | null]>([
    [
      "a message starts the turn",
      message(),
      { type: "session.status_running", seq: 1, message_id: "msg_turn_1" },
    ],
    [
      "text is a delta",
      text("hi"),
      { type: "agent.message", seq: 1, text: "hi", part_id: "turn_1-0", delta: true },
    ],
    [
      "reasoning is a delta",
      reasoning("hm"),
      { type: "agent.thinking", seq: 1, text: "hm", part_id: "turn_1-0", delta: true },
    ],
    [
      "a tool",
      toolUse,
      { type: "agent.tool_use", seq: 1, tool_use_id: "t1", tool: "Read", input: { path: "a" } },
    ],
    [
      "a tool's result",
      toolResult,
      { type: "agent.tool_result", seq: 1, tool_use_id: "t1", output: "hi", is_error: false },
    ],
    [
      "a tool's result that was cut",
      { type: "tool_result", data: { tool_use_id: "t1", is_error: true, content: "hi", truncated: true } },
      { type: "agent.tool_result", seq: 1, tool_use_id: "t1", output: "hi", is_error: true, truncated: true },
    ],
    [
      "a request",
      { type: "input_required", data: asked },
      {
        type: "session.status_idle",
        seq: 1,
        stop_reason: "requires_action",
        request_id: "req_1",
        kind: "tool_use",
        tool: "Write",
        target: "order.txt",
        options: ["approve_once", "approve_session", "deny"],
        expires_at: asked.expires_at,
      },
    ],
    [
      "a question: its words, and what it offers",
      {
        type: "input_required",
        data: { ...asked, kind: "question", message: "Which roast?", options: ["A", "B"] },
      },
      {
        type: "session.status_idle",
        seq: 1,
        stop_reason: "requires_action",
        request_id: "req_1",
        kind: "question",
        tool: "Write",
        target: "Which roast?",
        options: ["A", "B"],
        expires_at: asked.expires_at,
      },
    ],
    [
      "an answer lets the turn go on",
      { type: "input_resolved", data: { request_id: "req_1", decision: "deny", by: "deadline" } },
      { type: "session.status_running", seq: 1, request_id: "req_1" },
    ],
    [
      "the end, without what it cost",
      done,
      {
        type: "session.status_idle",
        seq: 1,
        stop_reason: "end_turn",
        usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
      },
    ],
    [
      "the end that somebody asked for",
      { type: "done", data: { status: "cancelled", message: message_, usage } },
      {
        type: "session.status_idle",
        seq: 1,
        stop_reason: "end_turn",
        usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
        interrupted: true,
      },
    ],
    [
      "a failure",
      { type: "error", data: { code: "model_error", message: "Overloaded", retryable: true } },
      { type: "session.error", seq: 1, message: "Overloaded", code: "model_error" },
    ],
    ["a step", step, null],
    ["a step's end", { type: "step_finish", data: { step_index: 0, result: "end_turn" } }, null],
    ["a hand-off", handOff, null],
    ["harness internals", { type: "system", data: { subtype: "init", detail: {} } }, null],
  ])("%s", (_what, draft, expected) => {
    expect(wire(draft)).toEqual(expected);
  });

  test.each<[unknown, string]>([
    [{ command: "ls -l", description: "lists" }, "ls -l"],
    [{ url: "https://karta.example" }, "https://karta.example"],
    [{ file_path: "", query: "beans" }, "beans"],
    [{ order: 7 }, '{"order":7}'],
    [{ path: 7 }, '{"path":7}'],
    ["words", "words"],
    [{}, ""],
    [null, ""],
    [{ command: "x".repeat(5000) }, `${"x".repeat(4000)}…`],
  ])("a request to use a tool on %j names its target", (tool_input, target) => {
    expect(wire({ type: "input_required", data: { ...asked, tool_input } })).toMatchObject({ target });
  });
});

const partIds = (drafts: readonly Draft[]): (string | null)[] =>
  project(drafts).map((event) => (event !== null && "part_id" in event ? event.part_id : null));

describe("a part", () => {
  test("ends where something else of its message comes", () => {
    const ids = partIds([
      message(),
      reasoning("a"),
      text("b"),
      toolUse,
      toolResult,
      text("c"),
      reasoning("d"),
    ]);
    const [thought, first, second, after] = [ids[1], ids[2], ids[5], ids[6]];
    expect(new Set([thought, first, second, after]).size).toBe(4);
  });

  test("goes on over what is no part of its message", () => {
    const ids = partIds([message(), text("a"), step, message("turn_2"), handOff, text("b")]);
    expect(ids[5]).toBe(ids[1]);
  });

  test("of one turn is none of another's", () => {
    const ids = partIds([message(), text("a"), done, message("turn_2"), text("b", "turn_2")]);
    expect(ids[4]).not.toBe(ids[1]);
  });

  test("has the same id for a reader that begins anywhere", async () => {
    const kinds = fc.constantFrom(
      text("x"),
      reasoning("y"),
      toolUse,
      toolResult,
      step,
      message("queued"),
      handOff,
    );
    const session = fc.array(
      fc.tuple(fc.constantFrom("turn_1", "turn_2", "turn_3"), fc.array(kinds, { maxLength: 30 })),
      {
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(session, fc.nat(200), async (turns, cut) => {
        const drafts = turns.flatMap(([turn, said]) =>
          said.map((draft) =>
            draft.turn === "turn_1" || draft.turn === undefined ? { ...draft, turn } : draft,
          ),
        );
        const log = logOf(drafts);
        const cursor = Math.min(cut, log.length);
        const whole = new WireProjection();
        const expected = log.map((event) => whole.project(event)).slice(cursor);
        const late = new WireProjection(await placeAfter(sourceOf(log), cursor));
        expect(log.slice(cursor).map((event) => late.project(event))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

function sourceOf(log: readonly LoggedEvent[]): EventSource {
  return {
    page: (cursor, limit) => Promise.resolve(log.filter(({ seq }) => seq > cursor).slice(0, limit)),
    watch: () => () => undefined,
    position: ({ seq }) => seq,
    follows: (event, cursor) => event.seq === cursor + 1,
  };
}
