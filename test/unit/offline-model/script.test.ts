import { expect, test } from "@jest/globals";
import { defaultScript, parseOfflineScript } from "../../../daemon/offline-model/script.ts";
import { scriptOf } from "./served.ts";

const SPEC = `
first_token_ms = 120
tokens_per_second = 60          # the pace of the stream; 0 = as fast as possible

[[reply]]                       # first match wins, top to bottom
when = "my name is (\\\\w+)"
text = "Hello $1!"              # groups of the match

[[reply]]
when = "save (?<item>\\\\w+)"
tool = { name = "Write", input = { file_path = "order.txt", content = "$<item>" } }
text = "Saved."

[[reply]]
when = "slowly"
text = "…"
tokens_per_second = 5

[[reply]]
when = "overload"
error = { status = 529, type = "overloaded_error", message = "Overloaded" }

[[reply]]
when = "break off"
text = "I was about to"
cut_after_tokens = 3

[default]
text = "I answer from a script while offline. Run Karta with a model key for the real thing."
`;

/** `line:column path: message` of each problem. */
function refused(toml: string): string[] {
  const parsed = parseOfflineScript(toml, "offline.toml");
  if (parsed.ok) return [];
  return parsed.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

test("the spec's sample, every key of it", () => {
  const script = scriptOf(SPEC);
  expect(script.rules.map(({ when }) => String(when))).toEqual([
    "/my name is (\\w+)/i",
    "/save (?<item>\\w+)/i",
    "/slowly/i",
    "/overload/i",
    "/break off/i",
  ]);
  expect(script.rules[1]?.reply.words).toMatchObject({
    text: "Saved.",
    tool: { name: "Write", input: { file_path: "order.txt", content: "$<item>" } },
  });
  expect(script.rules[2]?.reply.pace).toEqual({ firstTokenMs: 120, tokensPerSecond: 5 });
  expect(script.rules[3]?.reply.words).toMatchObject({ kind: "error", status: 529 });
  expect(script.rules[4]?.reply.words).toMatchObject({ cutAfterTokens: 3 });
});

test("an empty file, and a byte order mark, are the default script", () => {
  expect(scriptOf("")).toEqual(defaultScript);
  expect(scriptOf("\uFEFF# nothing yet\r\n")).toEqual(defaultScript);
});

test.each([
  ["a syntax error", 'first_token_ms = 1\n\n[[reply]]\nwhen = "x', /^4:10 : syntax error: /],
  ["a backslash in a double-quoted pattern", '[[reply]]\nwhen = "\\w+"\ntext = "x"', /^2:9 : .*'…'/],
  ["a key given twice", '[[reply]]\nwhen = "x"\nwhen = "y"', /^3:1 : /],
  ["an unknown key at the top", "tokens_per_minute = 3", /^1:1 tokens_per_minute: unknown key$/],
  [
    "a bad pattern in the second of two rules",
    "[[reply]]\nwhen = 'a'\ntext = 'b'\n\n[[reply]]\n  when = '(a'\n  text = 'b'",
    /^6:3 reply\[1\]\.when: Invalid regular expression/,
  ],
  [
    "an unknown key of a rule",
    "[[reply]]\nwhen = 'a'\ntext = 'b'\nsay = 'c'",
    /^4:1 reply\[0\]\.say: unknown key$/,
  ],
  [
    "no when",
    "[[reply]]\ntext = 'b'",
    /^1:1 reply\[0\]\.when: expected a regular expression, found nothing$/,
  ],
  ["a when in the default", "[default]\nwhen = 'a'\ntext = 'b'", /^2:1 default\.when: unknown key$/],
  ["a wrong type", "[[reply]]\nwhen = 'a'\ntext = 5", /^3:1 reply\[0\]\.text: expected a string, found 5$/],
  ["a negative pace", "tokens_per_second = -1", /^1:1 tokens_per_second: expected 0/],
  ["a pace without end", "tokens_per_second = inf", /^1:1 tokens_per_second: expected a number/],
  ["a long wait", "first_token_ms = 3600000", /^1:1 first_token_ms: expected at most 60000/],
  [
    "half a token",
    "[default]\ntext = 'a'\ncut_after_tokens = 1.5",
    /^3:1 default\.cut_after_tokens: expected a whole/,
  ],
  ["a rule that says nothing", "[[reply]]\nwhen = 'a'", /^1:1 reply\[0\]: expected text, tool or error/],
  ["thinking alone", "[[reply]]\nwhen = 'a'\nthinking = 'b'", /^1:1 reply\[0\]: .*thinking alone/],
  [
    "an error that also speaks",
    "[[reply]]\nwhen = 'a'\ntext = 'b'\nerror = { status = 500, type = 'a', message = 'b' }",
    /^1:1 reply\[0\]: an error stands alone/,
  ],
  [
    "a status that is no error",
    "[[reply]]\nwhen = 'a'\nerror = { status = 200, type = 'a', message = 'b' }",
    /^3:1 reply\[0\]\.error\.status: expected an HTTP status/,
  ],
  ["a table's key", "[[reply]]\nwhen = 'a'\n[reply.tool]\nname = 5", /^4:1 reply\[0\]\.tool\.name: /],
  [
    "an endless pattern",
    `[[reply]]\ntext = 'b'\nwhen = '${"a".repeat(1001)}'`,
    /^3:1 reply\[0\]\.when: .*1000/,
  ],
  ["a key that no line shows", 'first_token_ms = 1\n"\\u0061" = 1', /^1:1 a: unknown key$/],
  [
    "rules in one line",
    "\nreply = [{ when = 'a', text = 'b', txt = 'c' }]",
    /^2:1 reply\[0\]\.txt: unknown key$/,
  ],
  ["rules as one table", "[reply]\nwhen = 'a'\ntext = 'b'", /^1:1 reply: expected a list of tables/],
])("refuses %s, with its place", (_what, toml, problem) => {
  expect(refused(toml)).toEqual([expect.stringMatching(problem)]);
});

test("what looks like a key inside a text or a list moves no line", () => {
  const toml = `[[reply]]
when = 'a'
text = """
[[reply]]
when = 'not a key' \\"""
"""
[[reply]]
when = 'b'
tool = { name = 'Write', input = { lines = [
  [1],
  ["x = 1"],
] } } # [[reply]]
text = 7`;
  expect(refused(toml)).toEqual([expect.stringMatching(/^13:1 reply\[1\]\.text: /)]);
});

test("tells every problem at once", () => {
  expect(refused("a = 1\nb = 2\n[[reply]]\nwhen = '['\ntext = 1")).toHaveLength(4);
});
