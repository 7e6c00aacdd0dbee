/** The embedded page on a real kartad: its server, a project whose replies are scripted, and a browser's view of it. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { z } from "zod";
import { servePage, type ServedPage } from "../../../examples/embedded-page/server.ts";
import { makeHome, type Kartad, type TestHome } from "../../support/kartad.ts";
import { ManagedAgentsClient } from "../../support/managed-agents.ts";
import { ASKS } from "../../support/replies.ts";
import { launchBrowser } from "./browser.ts";
import { ChatPage } from "./chat-page.ts";

export const POISON = `<img src=x onerror="window.__pwned=1"> <script>window.__pwned=1</script> [x](javascript:alert(1))`;

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

[[reply]]
when = "write (?<name>\\\\w+)"
tool = { name = "Write", input = { file_path = "$<name>.txt", content = "a note" } }
text = "I wrote $<name>."

${ASKS}

[[reply]]
when = "slowly"
text = "${"and so on ".repeat(40)}the end."
tokens_per_second = 25

[[reply]]
when = "poison"
text = '''${POISON}'''

[[reply]]
when = "overload"
error = { status = 400, type = "invalid_request_error", message = "the roaster is on fire" }

[[reply]]
when = "attached"
text = "Thanks for the file. {{last_user}}"

[[reply]]
when = "brewing tips"
text = "For a **clean pour-over**:\\n\\n- **Ratio:** 15 g of coffee to 250 g of water\\n- **Grind:** medium, like coarse sand\\n- **Water:** 92–96 °C\\n\\nToo bitter? Grind a little coarser."

[[reply]]
when = "what did i say first"
text = "You first said: {{first_user}}"

[default]
text = "ok: {{last_user}}"
`;

/** A port that nothing listens on: the page's origin must stand in kartad.toml before kartad starts. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "localhost");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

const RememberedSchema = z.object({ endUser: z.string(), sessionId: z.string().nullable(), cursor: z.int() });

export class EmbeddedScene {
  readonly home: TestHome;
  readonly page: ServedPage;
  readonly browser: Browser;
  readonly #folder: string;
  #kartad: Kartad;

  private constructor(parts: {
    home: TestHome;
    folder: string;
    kartad: Kartad;
    page: ServedPage;
    browser: Browser;
  }) {
    this.home = parts.home;
    this.page = parts.page;
    this.browser = parts.browser;
    this.#folder = parts.folder;
    this.#kartad = parts.kartad;
  }

  static async start(): Promise<EmbeddedScene> {
    const home = makeHome();
    const folder = home.project("bot", { "CLAUDE.md": "# Bot\n", "offline.toml": SCRIPT });
    const port = await freePort();
    mkdirSync(home.state, { recursive: true });
    writeFileSync(path.join(home.state, "kartad.toml"), `allowed_origins = ["http://localhost:${port}"]\n`);
    const kartad = await home.start();
    await home.operator.addProject(folder, "bot");
    const page = await servePage({ port, kartaUrl: kartad.url, project: "bot" });
    return new EmbeddedScene({ home, folder, kartad, page, browser: await launchBrowser() });
  }

  get kartadUrl(): string {
    return this.#kartad.url;
  }

  get client(): ManagedAgentsClient {
    return new ManagedAgentsClient(`${this.#kartad.url}/v1/projects/bot`);
  }

  open(options?: BrowserContextOptions): Promise<ChatPage> {
    return ChatPage.open(this.browser, this.page.url, options);
  }

  /** What the page keeps in its browser. */
  async remembered({ page }: ChatPage): Promise<z.infer<typeof RememberedSchema>> {
    const stored = await page.evaluate<string>("localStorage.getItem('karta-embedded:bot')");
    return RememberedSchema.parse(JSON.parse(stored));
  }

  /** Whether a file of the project's folder is there. */
  has(file: string): boolean {
    return existsSync(path.join(this.#folder, file));
  }

  /** SIGKILL; `restart` starts it at the same address. */
  async kill(): Promise<void> {
    await this.#kartad.kill();
  }

  async restart(): Promise<void> {
    this.#kartad = await this.home.start({ flags: ["--port", new URL(this.#kartad.url).port] });
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.page.close();
    await this.home.remove();
  }
}
