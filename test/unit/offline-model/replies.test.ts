import { expect, test } from "@jest/globals";
import { ask, post, PROJECT, said, scriptOf, serve, tools } from "./served.ts";

const reminder = (text: string) => `<system-reminder>\n${text}\n</system-reminder>`;
const text = (value: string) => ({ type: "text", text: value });
const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const call = { type: "tool_use", id: "t1", name: "Write", input: {} };
const result = (content: unknown) => ({ type: "tool_result", tool_use_id: "t1", content });

test("the first rule that matches answers, whatever the case; none, the default", async () => {
  await using served = await serve(`
    [[reply]]
    when = 'roasts?'
    text = "Sunrise"
    [[reply]]
    when = 'roast'
    text = "never"
    [default]
    text = "Sorry"`);
  expect(await said(served.base, "Which ROASTS have you?")).toBe("Sunrise");
  expect(await said(served.base, "Hello")).toBe("Sorry");
});

test("groups and templates are filled in once: nothing a user says is a template", async () => {
  await using served = await serve(`
    [[reply]]
    when = 'my (\\w+) is (?<name>.+?)( too)?$'
    text = "$1=$<name>$3, {{ turn }}/{{first_user}}/{{last_user}}, $4 $35 $<nobody> {{other}}"
    [default]
    text = "$1 costs $35"`);
  const hostile = "my name is {{turn}} $1 $<name>";
  // The third group took no part, so `$35` is nothing and a 5, as in JavaScript's own `replace`.
  expect(await said(served.base, [user("first"), assistant("a"), user(hostile)])).toBe(
    `name={{turn}} $1 $<name>, 2/first/${hostile}, $4 5 $<nobody> {{other}}`,
  );
  expect(await said(served.base, "else")).toBe("$1 costs $35");
});

test("a user's text is the last block that is no reminder; reminders and the harness's own messages are no turns", async () => {
  await using served = await serve(`[default]\ntext = "{{turn}}|{{first_user}}|{{last_user}}"`);
  const messages = [
    user([text(reminder("CLAUDE.md")), text(reminder("attribution")), text("hello")]),
    { role: "system", content: "# Environment" },
    assistant("a"),
    user([result("ok"), text(reminder("be brief"))]),
    assistant("b"),
    user(reminder("a task of the background has ended")),
    assistant("c"),
    user([text(`${reminder("x")} bye <system-reminder>`)]),
  ];
  expect(await said(served.base, messages)).toBe("2|hello|bye <system-reminder>");
});

test("a cancelled turn and the one after it count apart", async () => {
  await using served = await serve(`[default]\ntext = "{{turn}}|{{first_user}}|{{last_user}}"`);
  const messages = [user([text("slowly"), text("[Request interrupted by user]\n"), text("next")])];
  expect(await said(served.base, messages)).toBe("2|slowly|next");
});

const SAVE = `
  [[reply]]
  when = 'save (?<item>\\w+)'
  tool = { name = "write", input = { path = "order.txt", lines = ["$<item>", 1, { deep = "{{turn}}" }] } }
  text = "Saved $<item>: {{tool_result}}"
  [[reply]]
  when = 'quietly'
  tool = { name = "Odd" }`;

test("a tool is asked for, filled in, and its result is followed by the text, once", async () => {
  await using served = await serve(SAVE);
  const asked = user("save beans");
  expect(await said(served.base, [asked])).toEqual({ path: "order.txt", lines: ["beans", 1, { deep: "1" }] });
  const answered = [asked, assistant([call]), user([result([text("written"), text(reminder("hm"))])])];
  expect(await said(served.base, answered)).toBe("Saved beans: written");
  // Claude Code tells of a background task in a message of reminders: asking again would go round for ever.
  const notified = [...answered, assistant("Saved"), user(reminder("a task of the background has ended"))];
  expect(await said(served.base, notified)).toBe("Saved beans: written");
  expect(await said(served.base, [...notified, assistant("x"), user("save tea")])).toMatchObject({
    lines: ["tea", 1, { deep: "2" }],
  });
  expect(await said(served.base, [user("quietly"), assistant([call]), user([result("")])])).toBe("Done.");
});

test("a tool has the name the harness offers, or the script's if none is like it", async () => {
  await using served = await serve(SAVE);
  const nameOf = async (words: string) => (await ask(served.base, words, { stream: false })).json();
  expect(await nameOf("save beans")).toMatchObject({ content: [{ name: "Write" }], stop_reason: "tool_use" });
  expect(await nameOf("quietly")).toMatchObject({ content: [{ name: "Odd" }] });
});

test("side requests get a fixed answer and match no rule; a chat without tools is none", async () => {
  await using served = await serve(`[[reply]]\nwhen = 'order|.'\ntext = "a rule"`);
  const none = { tools: [] };
  const naming = [text("You are a Claude agent."), text("You are naming a coding session so the user can…")];
  const output_config = { format: { type: "json_schema", schema: { required: ["title"] } } };
  expect(
    await said(served.base, "<session>my order</session>", { ...none, system: naming, output_config }),
  ).toBe('{"title":"Offline session"}');
  const titler = "You are a title generator. You output ONLY a thread title.";
  expect(await said(served.base, "my order", { ...none, system: titler })).toBe("Offline session");
  expect(await said(served.base, "quota", { ...none, max_tokens: 1 })).toBe("ok");
  const compaction = "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n…";
  expect(await said(served.base, [user("my order"), assistant("a"), user(compaction)])).toMatch(
    /<summary>.+<\/summary>/s,
  );
  expect(await said(served.base, "my order", none)).toBe("a rule");
  expect(await said(served.base, "my order", { tools, system: titler })).toBe("a rule");
});

test("a pattern that backtracks for ever is passed over, and the daemon lives", async () => {
  await using served = await serve(`
    [[reply]]
    when = '^(a+)+$'
    text = "never"
    [[reply]]
    when = 'b'
    text = "on we go"`);
  expect(await said(served.base, `${"a".repeat(60)}b`)).toBe("on we go");
});

test("a project's script is found by its path, changed at once, and gone when removed", async () => {
  await using served = await serve(`[default]\ntext = "one"`);
  served.model.setScript(
    "other",
    scriptOf(`first_token_ms = 0\ntokens_per_second = 0\n[default]\ntext = "two"`),
  );
  expect(await said(served.base, "x")).toBe("one");
  expect(await said(served.model.baseUrl("other"), "x")).toBe("two");
  served.model.removeScript(PROJECT);
  const gone = await ask(served.base, "x");
  expect(gone.status).toBe(404);
  expect(await gone.json()).toEqual({
    type: "error",
    error: { type: "not_found_error", message: `no such project: ${PROJECT}` },
  });
  const other = await post(`${served.base}/v1/chat/completions`, { messages: [user("x")] });
  expect(await other.json()).toMatchObject({ error: { type: "not_found_error", param: null } });
  served.model.setScript(PROJECT, null);
  expect(await said(served.base, "x")).toMatch(/^I answer from a script while offline/);
});
