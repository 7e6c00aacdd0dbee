/** A kartad with bots for Anthropic's clients: `bot` runs its tools by itself, `careful` asks first. */
import { makeHome, type Kartad, type TestHome } from "../../support/kartad.ts";

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

[[reply]]
when = "slowly"
text = "${"and so on ".repeat(30)}"
tokens_per_second = 8

[[reply]]
when = "how many"
text = "This is your message number {{turn}}; the first was: {{first_user}}"

[[reply]]
when = "think"
thinking = "Let me see."
text = "Thought."

[[reply]]
when = "write it down"
tool = { name = "Write", input = { file_path = "note.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"

[[reply]]
when = "overload"
error = { status = 400, type = "invalid_request_error", message = "no such thing" }

[[reply]]
when = "break off"
text = "I was about to say something long"
cut_after_tokens = 3

[default]
text = "You said: {{last_user}}. ☕ That is all."
`;

const BILLING = "---\nname: billing\ndescription: Bills.\n---\nYou are the billing desk.\n";

export async function anthropicScene(): Promise<{ home: TestHome; kartad: Kartad }> {
  const home = makeHome();
  const kartad = await home.start();
  for (const [name, mode] of [
    ["bot", "autonomous"],
    ["careful", "interactive"],
  ] as const) {
    const folder = home.project(name, {
      "CLAUDE.md": "# Bot\n",
      "offline.toml": SCRIPT,
      ".claude/agents/billing.md": BILLING,
      "karta.toml": `[runtime]\npermission_mode = "${mode}"\n`,
    });
    await home.operator.addProject(folder, name);
  }
  return { home, kartad };
}
