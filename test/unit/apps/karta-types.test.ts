/** `karta` as a TypeScript app imports it: what does not compile here fails `tsc`, and what is told at once fails here. */
import { describe, expect, test } from "@jest/globals";
import { Karta, kartaApp, keywordGate, maxLength, refuse } from "karta";
import { z } from "zod";

describe("an app in TypeScript", () => {
  test("has its arguments typed by its schema, JSON's or zod's", () => {
    const app = new Karta()
      .on("message.completed", ({ usage, error }) => {
        expect(usage.totalTokens + (error?.code.length ?? 0)).toBe(0);
      })
      .policy(maxLength(10))
      .policy(({ text, session }) =>
        session.metadata.vip === true || text !== "" ? undefined : refuse("no"),
      )
      .tool(
        "look_up",
        {
          description: "Looks up.",
          input: {
            type: "object",
            properties: { id: { type: "string" }, count: { type: "integer" }, how: { enum: ["a", "b"] } },
            required: ["id", "how"],
          },
        },
        ({ id, how, count = 1 }, { session }) => id.repeat(count) + (how === "a" ? session.id : ""),
      )
      .tool(
        "add",
        { description: "Adds.", input: z.object({ a: z.number(), b: z.number() }) },
        ({ a, b }) => a + b,
      )
      .tool("now", { description: "The time." }, () => 0);
    expect(app[kartaApp]()).toEqual({ handlers: 1, policies: 2, tools: 3 });
    expect(app.agents).toEqual([]);
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "an unknown event",
      // @ts-expect-error: the compiler says so too
      () => new Karta().on("message.sent", () => undefined),
      /there are:/,
    ],
    [
      "a tool without a description",
      () => new Karta().tool("x", { description: "" }, () => 0),
      /needs a description/,
    ],
    ["a tool's odd name", () => new Karta().tool("x y", { description: "d" }, () => 0), /a letter first/],
    ["two tools of a name", twice, /two tools named x/],
    ["no keyword", () => keywordGate([]), /expects words/],
    ["a limit of nothing", () => maxLength(0), /at least 1/],
    ["a refusal without words", () => refuse(""), /at least one character/],
  ])("%s is told where it is written", (_what, write, words) => {
    expect(write).toThrow(words);
  });
});

function twice(): unknown {
  const options = { description: "d" };
  return new Karta().tool("x", options, () => 0).tool("x", options, () => 0);
}
