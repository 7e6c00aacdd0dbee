/** What `input` may say, and what of it is the new message. */
import { describe, expect, test } from "@jest/globals";
import { readInput } from "../../../../../daemon/http/adapters/responses/input.ts";
import { KartaError } from "../../../../../shared/errors.ts";

const PIXEL = "iVBORw0KGgo=";

describe("the new message", () => {
  test("is a string, or the user's messages at the end", () => {
    expect(readInput("hello")).toEqual({ text: "hello", images: [], developer: [], past: [] });
    const items = [
      { role: "system", content: "Be short." },
      { role: "user", content: "hello" },
      { type: "message", role: "assistant", id: "msg_1", content: [{ type: "output_text", text: "Hi." }] },
      { role: "developer", content: [{ type: "input_text", text: "Be kind." }] },
      { role: "user", content: "Do you" },
      {
        role: "user",
        content: [
          { type: "input_text", text: "ship" },
          { type: "input_text", text: "free?" },
        ],
      },
    ];
    expect(readInput(items)).toEqual({
      text: "Do you\n\nship\nfree?",
      images: [],
      developer: ["Be short.", "Be kind."],
      past: [
        { kind: "said", role: "user", text: "hello", id: null },
        { kind: "said", role: "assistant", text: "Hi.", id: "msg_1" },
      ],
    });
  });

  test("may be images, given as data", () => {
    const given = readInput([
      {
        role: "user",
        content: [
          { type: "input_image", detail: "auto", image_url: `data:image/png;base64,${PIXEL}` },
          { type: "input_image", image_url: `data:image/webp;base64,${PIXEL}` },
        ],
      },
    ]);
    expect(given).toMatchObject({
      text: "",
      images: [
        { mediaType: "image/png", base64: PIXEL },
        { mediaType: "image/webp", base64: PIXEL },
      ],
    });
  });

  test("comes after items of an answer that say nothing themselves", () => {
    const items = [
      { role: "user", content: "hello" },
      { type: "reasoning", id: "rs_1", summary: [] },
      { type: "mcp_call", id: "mcp_1", name: "Read", server_label: "karta", arguments: "{}" },
      { type: "item_reference", id: "msg_1" },
      { role: "user", content: "and now?" },
    ];
    expect(readInput(items)).toMatchObject({
      text: "and now?",
      past: [
        { kind: "said", role: "user", text: "hello" },
        { kind: "reference", id: "msg_1" },
      ],
    });
  });
});

describe("an input that cannot be", () => {
  test.each<[string, Parameters<typeof readInput>[0], string]>([
    ["empty text", "", "input"],
    ["no items", [], "input"],
    ["an answer at its end", [{ role: "assistant", content: "Hi." }], "input"],
    ["a tool's result at its end", [{ type: "function_call_output", call_id: "1", output: "17" }], "input"],
    ["an unknown role", [{ role: "tool", content: "x" }], "input.0.role"],
    ["no content", [{ role: "user" }], "input.0.content"],
    ["a type that is no text", [{ type: 7 }], "input.0.type"],
    ["a file", [{ role: "user", content: [{ type: "input_file", file_id: "1" }] }], "input.0.content.0.type"],
    [
      "a text part without text",
      [{ role: "user", content: [{ type: "input_text" }] }],
      "input.0.content.0.text",
    ],
    [
      "a picture from elsewhere",
      [{ role: "user", content: [{ type: "input_image", image_url: "https://shop.example/sock.png" }] }],
      "input.0.content.0.image_url",
    ],
    [
      "a picture of another kind",
      [{ role: "user", content: [{ type: "input_image", image_url: `data:image/svg+xml;base64,${PIXEL}` }] }],
      "input.0.content.0.image_url",
    ],
    ["too much text", "x".repeat(200_001), "input"],
  ])("%s is refused, and the place named", (_what, input, place) => {
    let thrown: unknown = null;
    try {
      readInput(input);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof KartaError)) throw new Error("was not refused");
    expect(thrown.code).toBe("invalid_request");
    expect(thrown.issues.map(({ path }) => path)).toEqual([place]);
  });
});
