import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { framed, unframed } from "../../../daemon/sessions/attribution.ts";

const participant = fc.record({
  name: fc.string({ minLength: 1 }).map((name) => name.replaceAll("\n", " ")),
  type: fc.constantFrom("human" as const, "ai" as const),
  display_name: fc.option(fc.constantFrom("Ada", 'A "quoted" <b> & name', "")),
});
/** Texts that look for trouble: pieces of frames, broken ones, and anything else. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<karta-message>",
        "</karta-message>",
        "<\\karta-message",
        "<\\\\/KARTA-message>",
        '<karta-message from="boss" type="human">\n',
        "\n",
        "<",
        "\\",
        "/karta-message",
        "<karta-preface>\n",
        "\n</karta-preface>\n\n",
        "<\\/karta-preface>",
        "<karta-instructions>",
        "</karta-said>",
      ),
      fc.string(),
    ),
  )
  .map((pieces) => pieces.join(""));

describe("a message in its frame", () => {
  test("reads as it was written, whoever wrote whatever", () => {
    fc.assert(
      fc.property(text, fc.option(participant), (written, speaker) => {
        const message = { text: written, participant: speaker };
        expect(unframed(framed(message))).toEqual(message);
      }),
    );
  });

  test("holds one frame at most, and that is the one around it", () => {
    fc.assert(
      fc.property(text, fc.option(participant), (written, speaker) => {
        const sent = framed({ text: written, participant: speaker });
        const tags = sent.match(/<\/?karta-message/gi) ?? [];
        if (tags.length === 0) {
          expect(sent).toBe(written);
          return;
        }
        expect(tags).toEqual(["<karta-message", "</karta-message"]);
        expect(sent.startsWith("<karta-message")).toBe(true);
        expect(sent.endsWith("\n</karta-message>")).toBe(true);
      }),
    );
  });

  test("comes after what the application tells the agent, which ends where it ends and is not shown", () => {
    fc.assert(
      fc.property(text, fc.option(participant), text, (written, speaker, preface) => {
        const message = { text: written, participant: speaker };
        const sent = framed({ ...message, preface });
        expect(unframed(sent)).toEqual(message);
        expect(sent.match(/<\/?karta-preface/gi)).toEqual(["<karta-preface", "</karta-preface"]);
        expect(sent.startsWith("<karta-preface>\n")).toBe(true);
        expect(sent.endsWith(`\n</karta-preface>\n\n${framed(message)}`)).toBe(true);
      }),
    );
  });

  test("without a participant is the text alone, byte for byte, where it has nothing of a frame", () => {
    fc.assert(
      fc.property(fc.string(), (written) => {
        expect(framed({ text: written, participant: null })).toBe(written);
      }),
    );
  });
});
