/** A turn's events as OpenAI's: held against the reader in OpenAI's own client, which refuses what it does not know. */
import { describe, expect, test } from "@jest/globals";
import { ResponseStream } from "openai/lib/responses/ResponseStream";
import {
  ResponseProjection,
  type ResponseHead,
} from "../../../../../daemon/http/adapters/responses/projection.ts";
import type { EventDraft, SessionEvent } from "../../../../../shared/events.ts";
import { SessionEventSchema } from "../../../../../shared/events.ts";
import type { ResponseEvent } from "../../../../../shared/protocol/adapters/responses-events.ts";

const HEAD: ResponseHead = {
  id: `resp_${"a".repeat(24)}`,
  createdAt: 1_795_459_272_159,
  settings: {
    model: "bot",
    instructions: null,
    metadata: {},
    previous_response_id: null,
    conversation: null,
    background: false,
    store: true,
    reasoning: { effort: null, summary: null },
    user: null,
  },
};
const BACKGROUND: ResponseHead = { ...HEAD, settings: { ...HEAD.settings, background: true } };

const text = (words: string): EventDraft => ({
  type: "text",
  data: { part: { type: "text", text: words }, message_id: "msg_1" },
});
const reasoning = (words: string): EventDraft => ({
  type: "reasoning",
  data: { part: { type: "reasoning", text: words } },
});
const call = (id: string, name: string): EventDraft => ({
  type: "tool_use",
  data: { tool_use_id: id, tool_name: name, tool_input: { of: id } },
});
const result = (id: string, content: string, isError = false): EventDraft => ({
  type: "tool_result",
  data: { tool_use_id: id, is_error: isError, content },
});
const done = (status: "completed" | "cancelled"): EventDraft => ({
  type: "done",
  data: {
    status,
    message: { id: "msg_1", role: "assistant", text: "", parts: [] },
    usage: { input_tokens: 42, output_tokens: 28, total_tokens: 70 },
  },
});
const error: EventDraft = {
  type: "error",
  data: { code: "daemon_restarted", message: "kartad ended while this turn ran", retryable: true },
};

function stored(draft: EventDraft, index: number): SessionEvent {
  const place = { seq: index + 2, session_id: "sess_1", turn_id: "turn_1", timestamp: 1_795_459_273_000 };
  return SessionEventSchema.parse({ ...draft, ...place });
}

function projected(drafts: readonly EventDraft[], head = HEAD): ResponseEvent[] {
  const projection = new ResponseProjection(head);
  return [...projection.open(), ...drafts.map(stored).flatMap((event) => projection.add(event))];
}

/** What OpenAI's client makes of the events. */
async function understood(events: readonly ResponseEvent[]): Promise<unknown> {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`);
  return ResponseStream.fromReadableStream(
    ReadableStream.from(lines).pipeThrough(new TextEncoderStream()),
  ).finalResponse();
}

const types = (events: readonly ResponseEvent[]): string[] =>
  events.map(({ type }) => type.replace("response.", ""));

const TOOLS = [
  reasoning("Let me "),
  reasoning("see."),
  text("I look. "),
  call("one", "Read"),
  call("two", "mcp__shop__find_order"),
  result("two", "order 17"),
  result("one", "no such file", true),
  text("Found "),
  text("it."),
];
const TURNS: readonly (readonly [string, readonly EventDraft[]])[] = [
  ["of words alone", [text("Hello"), text(" there"), done("completed")]],
  ["that says nothing", [done("completed")]],
  ["with reasoning and tools", [...TOOLS, done("completed")]],
  ["that fails in the middle", [...TOOLS, call("three", "Bash"), error]],
  ["that fails at once", [error]],
  ["that is cancelled in the middle", [text("one "), call("one", "Bash"), done("cancelled")]],
  [
    "with what OpenAI has no word for",
    [
      { type: "step_start", data: { step_index: 0, description: "model call" } },
      { type: "agent_handoff", data: { from: "default", to: "billing" } },
      { type: "system", data: { subtype: "note", detail: null } },
      text("ok"),
      done("completed"),
    ],
  ],
];

describe("a turn", () => {
  test.each(TURNS)("%s: the events add up to the response, with nothing left open", async (_what, drafts) => {
    for (const head of [HEAD, BACKGROUND]) {
      const events = projected(drafts, head);
      expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
      const last = events.at(-1);
      if (last === undefined || !("response" in last))
        throw new Error("the last event is the response's end");
      const { response } = last;
      expect(await understood(events)).toMatchObject({
        id: response.id,
        status: response.status,
        error: response.error,
      });
      const opened = events.filter(({ type }) => type === "response.output_item.added").length;
      const closed = events.flatMap((event) =>
        event.type === "response.output_item.done" ? [event.item] : [],
      );
      expect(closed).toHaveLength(opened);
      expect(response.output.map(({ id }) => id).sort()).toEqual(closed.map(({ id }) => id).sort());
      expect(new Set(response.output.map(({ id }) => id)).size).toBe(response.output.length);
    }
  });

  test("of words is OpenAI's sequence exactly", () => {
    expect(types(projected([text("Hello"), text(" there"), done("completed")]))).toEqual([
      "created",
      "in_progress",
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.delta",
      "output_text.done",
      "content_part.done",
      "output_item.done",
      "completed",
    ]);
  });

  test("in the background is queued until its turn says something", () => {
    const told = types(projected([text("Hello"), done("completed")], BACKGROUND));
    expect(told.slice(0, 4)).toEqual(["created", "queued", "in_progress", "output_item.added"]);
    expect(types(projected([done("cancelled")], BACKGROUND))).toEqual(["created", "queued", "incomplete"]);
  });

  test("with tools reports them as done by a server, each once, with its result", async () => {
    const whole = await understood(projected([...TOOLS, done("completed")]));
    expect(whole).toMatchObject({
      output_text: "I look. Found it.",
      output: [
        { type: "reasoning", summary: [{ text: "Let me see." }] },
        { type: "message", status: "completed" },
        {
          type: "mcp_call",
          server_label: "karta",
          name: "Read",
          arguments: '{"of":"one"}',
          status: "failed",
          error: { content: [{ text: "no such file" }] },
        },
        {
          type: "mcp_call",
          server_label: "shop",
          name: "find_order",
          output: "order 17",
          status: "completed",
        },
        { type: "message", content: [{ text: "Found it." }] },
      ],
    });
    expect(JSON.stringify(whole)).not.toContain("function_call");
  });

  test("that failed says why, in a code that OpenAI's clients know and with Karta's own", () => {
    expect(projected([text("one"), error]).at(-1)).toMatchObject({
      type: "response.failed",
      response: {
        status: "failed",
        error: { code: "server_error", message: "kartad ended while this turn ran (daemon_restarted)" },
        output: [{ type: "message", status: "incomplete", content: [{ text: "one" }] }],
        usage: null,
      },
    });
  });

  test("that was cancelled has no event that OpenAI's client does not know", () => {
    expect(projected([text("one"), done("cancelled")]).at(-1)).toMatchObject({
      type: "response.incomplete",
      response: { status: "cancelled", usage: { total_tokens: 70 }, completed_at: null },
    });
  });
});
