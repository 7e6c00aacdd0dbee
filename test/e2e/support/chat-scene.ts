/** The chat page, its web server, and a Karta whose every frame the test releases. */
import type { Browser, BrowserContextOptions } from "playwright-core";
import { startWeb, type Web } from "../../../examples/support-bot-demo/web/server.ts";
import { startFakeKarta, type FakeKarta, type FakeTurn } from "../../fixtures/fake-karta.ts";
import { ChatPage } from "./chat-page.ts";

export class ChatScene {
  karta: FakeKarta;
  web: Web;
  readonly chat: ChatPage;

  private constructor(karta: FakeKarta, web: Web, chat: ChatPage) {
    this.karta = karta;
    this.web = web;
    this.chat = chat;
  }

  static async start(browser: Browser, options?: BrowserContextOptions): Promise<ChatScene> {
    const karta = await startFakeKarta({ offline: true });
    const web = await startWeb({ port: 0, kartaUrl: karta.url });
    return new ChatScene(karta, web, await ChatPage.open(browser, web.url, options));
  }

  /** Sends, and resolves with the turn as soon as Karta has it. */
  async ask(text: string): Promise<FakeTurn> {
    await this.chat.send(text);
    return this.karta.nextTurn();
  }

  /** A whole turn that goes well. */
  async exchange(text: string, answer: string): Promise<FakeTurn> {
    const turn = await this.ask(text);
    turn.say(answer);
    turn.done();
    await this.chat.settled(answer);
    return turn;
  }

  /** The web server ends and comes back at its address, having forgotten everything. */
  async restartWeb(): Promise<void> {
    await this.web.close();
    this.web = await startWeb({ port: Number(new URL(this.web.url).port), kartaUrl: this.karta.url });
  }

  /** Ends everything. Returns what went wrong in the page. */
  async end(): Promise<readonly string[]> {
    await this.chat.close();
    await this.web.close();
    await this.karta.close();
    return this.chat.errors;
  }
}
