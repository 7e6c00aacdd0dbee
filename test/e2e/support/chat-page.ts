/** Drives the support bot's chat page the way a visitor does. It does not care what stands behind the web server. */
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";

export class ChatPage {
  readonly page: Page;
  /** Uncaught errors, and everything the page's own policies refused. A test expects none. */
  readonly errors: readonly string[];

  private constructor(page: Page, errors: readonly string[]) {
    this.page = page;
    this.errors = errors;
  }

  /** Opens the page in a context of its own: nothing stored is shared with another one. */
  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = { viewport: { width: 1280, height: 800 } },
  ): Promise<ChatPage> {
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (/content.security.policy|trusted/i.test(message.text())) errors.push(message.text());
    });
    await page.goto(url);
    return new ChatPage(page, errors);
  }

  get box(): Locator {
    return this.page.getByRole("textbox", { name: "Your message" });
  }

  get sendButton(): Locator {
    return this.page.getByRole("button", { name: "Send", exact: true });
  }

  get retry(): Locator {
    return this.page.getByRole("button", { name: "Try again" });
  }

  get problem(): Locator {
    return this.page.locator(".problem");
  }

  /** The newest reply's bubble. */
  get reply(): Locator {
    return this.page.locator(".reply").last();
  }

  /** Types and sends with the keyboard. */
  async send(text: string): Promise<void> {
    await this.box.fill(text);
    await this.box.press("Enter");
  }

  /** Waits until the newest reply is whole and has these words. */
  async settled(words: string): Promise<void> {
    await this.page.locator(".from-beans:not(.streaming)").last().getByText(words).waitFor();
  }

  /** What both sides have said so far. */
  said(): Promise<string[]> {
    return this.page.locator(".bubble").allInnerTexts();
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}
