/** A bot for the tests of other APIs' clients: the real kartad and the real Claude Code, only the words are scripted. */
import OpenAI from "openai";
import { storedEvents } from "../../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../../support/kartad.ts";

const SCRIPT = `
first_token_ms = 30
tokens_per_second = 50

[[reply]]
when = "roasts"
text = "Welcome! We've got Sunrise, Midnight and Decaf Dusk, each of them roasted this very week."

[[reply]]
when = "what did i (say|ask) first"
text = "You first said: {{first_user}} (turn {{turn}})"

[[reply]]
when = "slowly"
text = "${"and so on ".repeat(30)}"
tokens_per_second = 4

[[reply]]
when = "write it down"
tool = { name = "Write", input = { file_path = "note.txt", content = "a note" } }
text = "It is written."

[[reply]]
when = "bad request"
error = { status = 400, type = "invalid_request_error", message = "no such thing" }

[[reply]]
when = "bad key"
error = { status = 401, type = "authentication_error", message = "invalid x-api-key" }

[default]
text = "ok: {{last_user}}"
`;

const SETTINGS = `
[runtime]
permission_mode = "autonomous"
[pool]
max_processes = 20
`;

export interface OpenAiBot {
  readonly home: TestHome;
  readonly kartad: Kartad;
  /** Speaks to it as an app would, with its defaults. */
  readonly openai: OpenAI;
  readonly baseURL: string;
}

/** The project is `bot`. The caller removes the home. */
export async function startOpenAiBot(): Promise<OpenAiBot> {
  const home = makeHome();
  const folder = home.project("bot", {
    "CLAUDE.md": "# Beans\n\nYou are Beans.\n",
    "karta.toml": SETTINGS,
    "offline.toml": SCRIPT,
  });
  const kartad = await home.start();
  await home.operator.addProject(folder, "bot");
  const baseURL = `${kartad.url}/v1`;
  return { home, kartad, baseURL, openai: new OpenAI({ baseURL, apiKey: "none" }) };
}

/** How a session's newest turn has ended, a done's status or an error's code; null: it has not. */
export async function endOf(url: string, sessionId: string): Promise<string | null> {
  const last = (await storedEvents(url, sessionId)).at(-1);
  if (last?.type === "done") return last.data.status;
  return last?.type === "error" ? last.data.code : null;
}
