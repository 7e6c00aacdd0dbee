/** A kartad with a bot for Managed Agents, and another project that is none of its business. */
import { anthropicOf } from "../../support/anthropic.ts";
import { makeHome, type Kartad, type TestHome } from "../../support/kartad.ts";
import { ASKS, WRITES } from "../../support/replies.ts";
import { ManagedClient } from "../../support/anthropic-sessions.ts";

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

[[reply]]
when = "slowly"
text = "${"and so on ".repeat(30)}"
tokens_per_second = 8

[[reply]]
when = "think"
thinking = "Let me see."
text = "Thought."

${WRITES}

${ASKS}
[[reply]]
when = "bad request"
error = { status = 400, type = "invalid_request_error", message = "no such thing" }

[default]
text = "You said: {{last_user}}"
`;

const BILLING = "---\nname: billing\ndescription: Bills.\n---\nYou are the billing desk.\n";

export interface ManagedScene {
  readonly home: TestHome;
  readonly kartad: Kartad;
  /** The bot's. */
  readonly folder: string;
  readonly managed: ManagedClient;
}

export async function managedScene(): Promise<ManagedScene> {
  const home = makeHome();
  const files = { "CLAUDE.md": "# Bot\n", "offline.toml": SCRIPT };
  const folder = home.project("bot", { ...files, ".claude/agents/billing.md": BILLING });
  const other = home.project("other", files);
  const kartad = await home.start();
  for (const [place, name] of [
    [folder, "bot"],
    [other, "other"],
  ] as const)
    await home.operator.addProject(place, name);
  return { home, kartad, folder, managed: new ManagedClient(anthropicOf(kartad.url), "bot") };
}
