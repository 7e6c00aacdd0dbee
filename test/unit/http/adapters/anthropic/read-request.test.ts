/** What of a Messages request an agent is given, and what is refused with the block's place. */
import { describe, expect, test } from "@jest/globals";
import { readRequest } from "../../../../../daemon/http/adapters/anthropic/messages/read-request.ts";
import type { MessageParam } from "../../../../../shared/protocol/adapters/anthropic/messages.ts";

const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } };
const user = (content: MessageParam["content"]): MessageParam => ({ role: "user", content });
const assistant = (content: MessageParam["content"]): MessageParam => ({ role: "assistant", content });
const text = (words: string) => ({ type: "text", text: words });

describe("what is read", () => {
  test("messages of one side are one; the user's after the last reply are the turn", () => {
    const read = readRequest({
      system: [text("Be brief."), text("Be kind.")],
      messages: [
        user("one"),
        user([text("two"), image]),
        assistant([{ type: "thinking", thinking: "hm", signature: "s" }, text("an"), text("swer")]),
        { role: "system", content: "In French." },
        user([image, text("three")]),
        user("four"),
      ],
    });
    expect(read).toEqual({
      instructions: "Be brief.\n\nBe kind.\n\nIn French.",
      earlier: [
        { role: "user", text: "one\n\ntwo", images: [{ mediaType: "image/png", base64: "AAAA" }] },
        { role: "assistant", text: "answer", images: [] },
      ],
      message: { text: "three\n\nfour", images: [{ mediaType: "image/png", base64: "AAAA" }] },
      speaker: null,
    });
  });

  test("tools that another service's client ran are told in words", () => {
    const { earlier } = readRequest({
      messages: [
        user("weather?"),
        assistant([{ type: "tool_use", id: "t", name: "weather", input: { city: "Rome" } }]),
        user([
          { type: "tool_result", tool_use_id: "t", content: "sunny" },
          { type: "document", source: {} },
        ]),
        assistant("It is sunny."),
        user("thanks"),
      ],
    });
    expect(earlier.map((piece) => piece.text.trim())).toEqual([
      "weather?",
      '[used the tool weather: {"city":"Rome"}]',
      "[the tool's result: sunny]\n\n[document]",
      "It is sunny.",
    ]);
  });
});

describe("what is refused, with its place", () => {
  const url = { type: "image", source: { type: "url", url: "https://shop.example/a.png" } };
  test.each([
    ["words put into the agent's mouth", [user("hi"), assistant("I think")], "messages"],
    ["nothing said", [user("")], "messages"],
    ["a message that is too long", [user("x".repeat(200_001))], "messages"],
    ["an image elsewhere", [user([text("a"), url])], "messages.0.content.1.source"],
    ["a tool's result", [user([{ type: "tool_result", tool_use_id: "t" }])], "messages.0.content.0"],
    ["a document", [assistant("a"), user([{ type: "document" }])], "messages.1.content.0"],
    ["text that is none", [user([{ type: "text", text: 1 }])], "messages.0.content.0.text"],
    [
      "an image among instructions",
      [{ role: "system" as const, content: [image] }, user("a")],
      "messages.0.content.0",
    ],
  ])("%s", (_, messages, path) => {
    expect(() => readRequest({ messages })).toThrow(
      expect.objectContaining({ code: "invalid_request", issues: [expect.objectContaining({ path })] }),
    );
  });
});
