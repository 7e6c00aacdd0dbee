import { describe, expect, test } from "@jest/globals";
import { readChoice, readDecision } from "../../../cli/chat/answers.ts";
import { InlineApprovals, type Ask } from "../../../cli/chat/approvals.ts";
import { readAnswers } from "../../../cli/client/inputs.ts";
import { summaryOf } from "../../../cli/render/event.ts";
import { answerCommands, inputPhrase, questionsOf, toolText } from "../../../cli/render/input.ts";
import { KartaError } from "../../../shared/errors.ts";
import type { InputAnswer, PendingInput } from "../../../shared/protocol/sessions.ts";
import { ASK, WRITE } from "../../fixtures/fake-kartad-turns.ts";

describe("what is typed", () => {
  test.each<[string, InputAnswer | null]>([
    ["y", { decision: "approve_once" }],
    [" Yes ", { decision: "approve_once" }],
    ["a", { decision: "approve_session" }],
    ["n", { decision: "deny" }],
    ["ok", { decision: "deny", message: "ok" }],
    ["", null],
  ])("%j at an approval", (typed, answer) => {
    expect(readDecision(typed)).toEqual(answer);
  });

  test("a number is its option, words are themselves, a number out of range is asked again", () => {
    const [question] = questionsOf(ASK);
    expect(["2", "neither", "3", "0", " "].map((typed) => readChoice(typed, question))).toEqual([
      "Midnight",
      "neither",
      null,
      null,
      null,
    ]);
    expect(readChoice("2, 1", { ...question, several: true })).toBe("Midnight, Sunrise");
  });
});

describe("what is shown", () => {
  test("a tool's input obeys nothing, is in order, and is bounded", () => {
    const text = toolText({ tool: "Ba\u001bsh", tool_input: { command: `a\u202eb\r${"x\n".repeat(5000)}` } });
    expect(text).toContain("Ba␛sh\n  command: a‹U+202E›b␍x\n");
    expect(text.split("\n").length).toBeLessThan(40);
    expect(text).toMatch(/… \d+ more characters;/);
  });

  test("a command to copy cannot do more than it says", () => {
    const tricky: PendingInput = { ...ASK, tool_input: {}, message: "it's $(rm -rf ~)\n?", options: [] };
    expect(answerCommands("sess_1", tricky).approve).toBe(
      `karta sessions approve sess_1 ${ASK.request_id} --answer 'it'\\''s $(rm -rf ~)↵?=TEXT'`,
    );
    expect(answerCommands("sess_1", WRITE).deny).toBe(`karta sessions deny sess_1 ${WRITE.request_id}`);
  });

  test("a tail's line has the tool with its input, and who answered how", () => {
    const base = { seq: 1, session_id: "sess_1", turn_id: null, timestamp: 0 };
    expect(summaryOf({ ...base, type: "input_required", data: WRITE })).toContain(inputPhrase(WRITE));
    const data = { request_id: "req_1", decision: "deny" as const, by: "deadline" };
    expect(summaryOf({ ...base, type: "input_resolved", data })).toBe("req_1 deny by deadline");
  });
});

test("--answer: a known question may hold a =, and is found as it is shown", () => {
  const input: PendingInput = { ...ASK, tool_input: {}, message: "a=b\nc" };
  const to = { sessionId: "sess_1", requestId: "req_1", input };
  expect(readAnswers(["a=b↵c=yes=no"], to)).toEqual({ "a=b\nc": "yes=no" });
  expect(() => readAnswers(["other=yes"], to)).toThrow("not one of these: a=b↵c");
  expect(readAnswers(["q=x=y"], { ...to, input: null })).toEqual({ q: "x=y" });
  expect(() => readAnswers(["q"], { ...to, input: null })).toThrow("expected QUESTION=TEXT");
  expect(() => readAnswers(["q=x"], { ...to, input: WRITE })).toThrow("asks for leave");
});

describe("approvals of a turn", () => {
  function approvals(ask: Ask | null, refuse?: Error) {
    const sent: [string, InputAnswer][] = [];
    const errors: unknown[] = [];
    const inline = new InlineApprovals({
      ask,
      onNobody: () => undefined,
      onError: (error) => errors.push(error),
      send: (id, answer) => {
        sent.push([id, answer]);
        return refuse === undefined ? Promise.resolve() : Promise.reject(refuse);
      },
    });
    return { inline, sent, errors };
  }
  const numbered = (id: string): PendingInput => ({ ...WRITE, request_id: id });

  test("are asked one at a time; one that is answered elsewhere is withdrawn", async () => {
    const asked: { signal: AbortSignal; reply: (line: string | null) => void }[] = [];
    const asking: (() => void)[] = [];
    const nextAsked = () => new Promise<void>((resolve) => asking.push(resolve));
    const { inline, sent } = approvals(
      (_question, _prompt, signal) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve(null));
          asked.push({ signal, reply: resolve });
          asking.shift()?.();
        }),
    );
    const first = nextAsked();
    inline.required(numbered("1"));
    inline.required(numbered("2"));
    await first;
    expect(asked).toHaveLength(1);
    const second = nextAsked();
    inline.resolved("1");
    await second;
    asked[1]?.reply("y");
    const third = nextAsked();
    inline.required(numbered("3"));
    await third;
    await inline.withdraw();
    expect(sent).toEqual([["2", { decision: "approve_once" }]]);
  });

  test("are denied when the person leaves; one that another answered first is no error", async () => {
    const { inline, sent, errors } = approvals(
      () => Promise.resolve(null),
      new KartaError("input_already_resolved", "late"),
    );
    const done = new Promise<void>((resolve) => setImmediate(resolve));
    inline.required(numbered("1"));
    await done;
    await inline.withdraw();
    expect(sent).toMatchObject([["1", { decision: "deny" }]]);
    expect(errors).toEqual([]);
  });
});
