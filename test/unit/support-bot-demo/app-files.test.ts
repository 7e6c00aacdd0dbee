/** The app is the tutorial's: a reader who compares the two finds no difference. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "toml";
import { z } from "zod";

const app = path.resolve("examples/support-bot-demo/app");
const read = (name: string) => readFileSync(path.join(app, name), "utf8");

const CLAUDE_MD = `# Beans — Karta Coffee Co. support assistant

You are Beans, the friendly support assistant for Karta Coffee Co.

- Warm, concise, a little playful (one coffee pun per reply, max).
- Greet a brand-new conversation with a short hello.
- Help with orders & shipping (2–3 business days; free over $35),
  our roasts (Sunrise, Midnight, Decaf Dusk), returns (30 days, unopened),
  and brewing tips.
- If you don't know something order-specific (like a tracking number), say so
  honestly and offer a human.
- Keep replies to 1–3 sentences unless asked for detail.
`;

const APP_PY = `from karta import Karta

# \`karta serve\` imports this \`app\` (see entry_point in karta.toml).
app = Karta()
`;

const KARTA_TOML = `entry_point = "app:app"
buildpack = "python"
`;

const Script = z.object({
  reply: z.array(z.object({ when: z.string(), text: z.string() })),
  default: z.object({ text: z.string() }),
});
const script = Script.parse(parse(read("offline.toml")));

/** The script's answer before templates: the first rule that matches, as the offline model picks it. */
function answer(asked: string): string {
  const rule = script.reply.find(({ when }) => new RegExp(when, "i").test(asked));
  return rule?.text ?? script.default.text;
}

describe("the tutorial's three files", () => {
  test("are there letter for letter", () => {
    expect(read("CLAUDE.md")).toBe(CLAUDE_MD);
    expect(read("app.py")).toBe(APP_PY);
    expect(read("karta.toml")).toBe(KARTA_TOML);
  });
});

describe("the offline script", () => {
  test("holds the tutorial's conversation in its own words", () => {
    expect(answer("Hi! What roasts do you have?")).toBe(
      "Welcome! ☕ We've got Sunrise (light, citrusy), Midnight (dark, chocolatey), and Decaf Dusk (smooth, caffeine-free). Anything catch your eye?",
    );
    expect(answer("Do you ship free?")).toBe(
      "Orders over $35 ship free, and most arrive in 2–3 business days.",
    );
  });

  test("has no group for the $3 of $35 to name", () => {
    for (const { when, text } of script.reply) {
      if (!text.includes("$")) continue;
      expect(new RegExp(`${when}|`).exec("")).toHaveLength(1);
    }
  });

  test.each([
    ["What did I say first?", "{{first_user}}"],
    ["What's my tracking number?", "human"],
    ["Can I return a bag?", "30 days"],
    ["Any brewing tips?", "- **Ratio:**"],
    ["Hello!", "I'm Beans"],
    ["Tell me about quantum gravity", "from a script"],
  ])("answers %j with %j", (asked, words) => {
    expect(answer(asked)).toContain(words);
  });
});
