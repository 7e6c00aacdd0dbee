/** A conversation read back from a transcript in Claude Code's form, with what real ones hold besides people's words. */
import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { readHistory } from "../../../daemon/harness/claude/history.ts";
import { messageIdOf, uuidOf } from "../../../daemon/harness/claude/message-ids.ts";
import { asPlainText, asWritten } from "../../../daemon/harness/claude/plain-text.ts";
import { newMessageId } from "../../../shared/ids.ts";
import { folderWith } from "../apps/temp-project.ts";

const THREAD = "0c3f9d9e-6a0e-4f0f-9a59-3f5b0f6d2f11";

/** A transcript being written: each entry follows the one before it. */
async function transcript() {
  const file = path.join(await folderWith(), `${THREAD}.jsonl`);
  writeFileSync(file, "");
  let last: string | null = null;
  const put = (entry: object, uuid: string = crypto.randomUUID()): string => {
    const whole = { parentUuid: last, isSidechain: false, uuid, sessionId: THREAD, ...entry };
    appendFileSync(file, JSON.stringify({ timestamp: new Date().toISOString(), ...whole }) + "\n");
    return (last = uuid);
  };
  const content = (...blocks: readonly object[]) => blocks;
  return {
    file,
    put,
    asks: (text: string, ...before: readonly string[]): string => {
      const id = newMessageId();
      const blocks = [...before, text].map((one) => ({ type: "text", text: one }));
      put({ type: "user", message: { role: "user", content: content(...blocks) } }, uuidOf(id));
      return id;
    },
    says: (block: object, more: object = {}) =>
      put({
        type: "assistant",
        message: { id: crypto.randomUUID(), role: "assistant", content: content(block), ...more },
      }),
    /** A user message of Claude Code's own making. */
    adds: (block: object, more: object = {}) =>
      put({ type: "user", message: { role: "user", content: content(block) }, ...more }),
    read: () => readHistory(file, THREAD),
  };
}

test("what people and the agent said is there; what the harness put between is not", async () => {
  const { asks, says, adds, put, read } = await transcript();
  const first = asks("hello", "<system-reminder>\nToday is Monday.\n</system-reminder>");
  put({ type: "attachment", attachment: { type: "date", date: "2026-11-25" } });
  says({ type: "tool_use", id: "t1", name: "Read", input: { file_path: "a" } });
  adds({ type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "body" }], is_error: true });
  adds({ type: "text", text: "a note for the model" }, { isMeta: true });
  says({ type: "text", text: "Hi" });
  adds({ type: "text", text: "[Request interrupted by user]" });
  says({ type: "text", text: "No response requested." }, { model: "<synthetic>" });
  const second = asks("<system-reminder>I wrote this myself</system-reminder>");
  says({ type: "image", source: {} });
  says({ type: "thinking", thinking: "Hm." });
  expect(await read()).toEqual([
    { role: "user", id: first, text: "hello" },
    {
      role: "assistant",
      said: [
        { type: "tool_use", id: "t1", name: "Read", input: { file_path: "a" } },
        { type: "tool_result", id: "t1", isError: true, content: "body" },
        { type: "text", text: "Hi" },
      ],
    },
    { role: "user", id: second, text: "<system-reminder>I wrote this myself</system-reminder>" },
    { role: "assistant", said: [{ type: "reasoning", text: "Hm." }] },
  ]);
});

test("what was said before the harness made room by a summary is still there, and the summary is not", async () => {
  const { asks, says, put, adds, read } = await transcript();
  asks("one");
  const last = says({ type: "text", text: "first answer" });
  put({
    type: "system",
    subtype: "compact_boundary",
    parentUuid: null,
    logicalParentUuid: last,
    compactMetadata: { trigger: "auto", preTokens: 4 },
  });
  adds({ type: "text", text: "This session is being continued…" }, { isCompactSummary: true });
  asks("two");
  says({ type: "text", text: "second answer" });
  expect((await read()).map((entry) => (entry.role === "user" ? entry.text : entry.said))).toEqual([
    "one",
    [{ type: "text", text: "first answer" }],
    "two",
    [{ type: "text", text: "second answer" }],
  ]);
});

test("a line that is just being written does not hinder the reading", async () => {
  const { asks, file, read } = await transcript();
  const id = asks("hello");
  appendFileSync(file, '{"type":"assistant","message":{"role":"assi');
  expect(await read()).toEqual([{ role: "user", id, text: "hello" }]);
});

test("a message's id and its UUID are one number; Claude Code's own UUIDs are no messages of ours", () => {
  const id = newMessageId();
  expect(messageIdOf(uuidOf(id))).toBe(id);
  expect(uuidOf(id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  expect(messageIdOf(crypto.randomUUID())).toBeNull();
  expect(uuidOf("msg_of-another-form")).toMatch(/^[0-9a-f-]{36}$/);
});

test.each(["/clear", " /clear", "  /clear", "hello", " hello", "a /clear", "/", ""])(
  "%j is no command when it is sent, and reads as it was written",
  (written) => {
    const sent = asPlainText(written);
    expect(sent.startsWith("/")).toBe(false);
    expect(asWritten(sent)).toBe(written);
  },
);
