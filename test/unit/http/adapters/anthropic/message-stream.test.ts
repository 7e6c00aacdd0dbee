/** A turn's events as the stream of a message. */
import { describe, expect, test } from "@jest/globals";
import { messageOf } from "../../../../../daemon/http/adapters/anthropic/messages/message.ts";
import { MessageStream } from "../../../../../daemon/http/adapters/anthropic/messages/stream.ts";
import {
  MessageStreamEventSchema,
  type MessageStreamEvent,
} from "../../../../../shared/protocol/adapters/anthropic/messages.ts";
import { asked, done, failed, logOf, said, SESSION, thought, used, type Written } from "./log.ts";

function framesOf(drafts: readonly Written[]): string[] {
  const stream = new MessageStream({ turnId: "turn_1", model: "bot", requestId: "req_1" });
  const text = stream.opening + logOf(drafts).map(stream.frames).join("");
  return text.split("\n\n").slice(0, -1);
}

function eventsOf(drafts: readonly Written[]): MessageStreamEvent[] {
  return framesOf(drafts).map((frame) => {
    const [name, data = ""] = frame.split("\n");
    const event = MessageStreamEventSchema.parse(JSON.parse(data.replace("data: ", "")));
    expect(name).toBe(`event: ${event.type}`);
    return event;
  });
}

describe("blocks", () => {
  test("text on both sides of a tool is one; thinking between texts parts them, and each is closed before the next", () => {
    const events = eventsOf([
      asked("go"),
      thought("h"),
      thought("m"),
      said("a"),
      used("u", "Write", {}),
      said("b"),
      thought("again"),
      said("c"),
      done(),
    ]);
    const told = events.map((event) => {
      switch (event.type) {
        case "content_block_start":
          return `start ${event.index} ${event.content_block.type}`;
        case "content_block_delta":
          return `delta ${event.index} ${event.delta.type}`;
        case "content_block_stop":
          return `stop ${event.index}`;
        default:
          return event.type;
      }
    });
    expect(told).toEqual([
      "message_start",
      "ping",
      "start 0 thinking",
      "delta 0 thinking_delta",
      "delta 0 thinking_delta",
      "stop 0",
      "start 1 text",
      "delta 1 text_delta",
      "ping",
      "delta 1 text_delta",
      "stop 1",
      "start 2 thinking",
      "delta 2 thinking_delta",
      "stop 2",
      "start 3 text",
      "delta 3 text_delta",
      "stop 3",
      "message_delta",
      "message_stop",
    ]);
  });

  test("there are none of a turn that says nothing", () => {
    expect(eventsOf([asked("go"), done()]).map(({ type }) => type)).toEqual([
      "message_start",
      "ping",
      "message_delta",
      "message_stop",
    ]);
  });
});

test("a turn that was cancelled is cut short; one that fails ends with an error and no stop", () => {
  expect(eventsOf([asked("go"), said("a"), done("cancelled")]).at(-2)).toMatchObject({
    delta: { stop_reason: "max_tokens" },
  });
  const last = framesOf([asked("go"), said("a"), failed("no such thing")]).at(-1);
  expect(last).toMatch(/^event: error\n/);
  expect(JSON.parse(last?.split("data: ")[1] ?? "")).toEqual({
    type: "error",
    error: { type: "api_error", message: "no such thing", details: { error_code: "model_error" } },
    request_id: "req_1",
  });
});

test("a whole message has the blocks that the stream of it would have", () => {
  const { content } = messageOf(
    {
      text: "abc",
      session_id: SESSION,
      turn_id: "turn_1",
      agent: "default",
      status: "completed",
      messages: [
        { id: "msg_0", role: "user", text: "go", parts: [], participant: null },
        {
          id: "msg_1",
          role: "assistant",
          text: "abc",
          parts: [
            { type: "reasoning", text: "h" },
            { type: "reasoning", text: "m" },
            { type: "text", text: "a" },
            { type: "tool_use", tool_use_id: "u", tool_name: "Write", tool_input: {} },
            { type: "tool_result", tool_use_id: "u", is_error: false, content: "" },
            { type: "text", text: "b" },
            { type: "reasoning", text: "again" },
            { type: "text", text: "c" },
          ],
        },
      ],
      usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
    },
    "bot",
  );
  expect(content.map((block) => (block.type === "text" ? block.text : block.thinking))).toEqual([
    "hm",
    "ab",
    "again",
    "c",
  ]);
});
