/**
 * Runs the chat. A turn is sent, followed to its end over connections that break, and drawn; a chat that is opened again
 * (a reload, an earlier one) is drawn from its transcript, and its turn that still runs is followed like one of our own.
 */
import { ApiError, ReplyBrokenOff } from "../../support-bot-demo/web/page/api.ts";
import { create } from "../../support-bot-demo/web/page/elements.ts";
import { problemOf } from "../../support-bot-demo/web/page/problems.ts";
import { follow, type FollowedTurn } from "./follow.ts";
import { historyOf } from "./history.ts";
import type { Karta } from "./karta.ts";
import type { Remembered } from "./remembered.ts";
import { ReplyView } from "./reply-view.ts";

const LOST_NOTE = "That chat is no longer there, so this is a new one.";

export interface ConversationParts {
  readonly karta: Karta;
  readonly remembered: Remembered;
  readonly messages: HTMLElement;
  /** Called after each change of what is on screen. */
  readonly onChange: () => void;
  /** Says something to a screen reader. */
  readonly announce: (words: string) => void;
  /** Called whenever a turn starts or ends. */
  readonly onBusy: (busy: boolean) => void;
}

export class Conversation {
  readonly #parts: ConversationParts;
  /** What is under way; null at rest. */
  #running: AbortController | null = null;
  /** The seq of the last event that was seen. */
  #cursor = 0;
  /** The turn that can be tried again: only ever the newest. */
  #failed: ReplyView | null = null;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** The session that files go to; a new one where none is open. */
  async session(): Promise<string> {
    const { karta, remembered } = this.#parts;
    if (remembered.sessionId === null) {
      this.#cursor = 0;
      remembered.open(await karta.create());
    }
    return remembered.sessionId ?? "";
  }

  /** Sends the visitor's text and shows the reply as it comes. */
  send(asked: string): void {
    if (this.busy) return;
    this.#failed?.withdrawRetry();
    this.#start(this.#view(asked), asked, crypto.randomUUID());
  }

  /** Asks for the end of the turn that runs. */
  async stop(): Promise<void> {
    const { karta, remembered } = this.#parts;
    if (remembered.sessionId === null) return;
    // It may have ended by itself meanwhile.
    await karta.interrupt(remembered.sessionId).catch(() => undefined);
  }

  /** Leaves this chat. A turn under way goes on without us. */
  leave(): void {
    this.#running?.abort();
    this.#end(this.#running);
    this.#failed = null;
    this.#cursor = 0;
    this.#parts.remembered.open(null);
    this.#parts.messages.replaceChildren();
    this.#parts.onChange();
  }

  /** Draws the chat that is remembered, and follows its turn if one runs. */
  async reopen(): Promise<void> {
    const { karta, remembered, messages } = this.#parts;
    const { sessionId, cursor } = remembered;
    if (sessionId === null) return;
    const running = this.#begin();
    try {
      const events = await karta.events(sessionId, cursor);
      const { turns, open, seq } = historyOf(await karta.transcript(sessionId), events);
      if (running.signal.aborted) return;
      this.#cursor = Math.max(cursor, seq);
      for (const { asked, texts, problem } of turns) {
        const view = this.#view(asked);
        texts.forEach((text, place) => view.say(String(place), text));
        if (problem === null) view.settle("*(no words)*");
        else this.#fail(view, new ReplyBrokenOff(problem, true), asked);
      }
      if (open === null) return;
      this.#failed?.withdrawRetry();
      const view = this.#view(open.asked);
      view.waiting();
      this.#cursor = open.after;
      await this.#follow({ id: sessionId, view, signal: running.signal }, open.asked);
    } catch (error) {
      if (running.signal.aborted) return;
      if (!(error instanceof ApiError && error.status === 404)) {
        this.#note(problemOf(error).message);
        return;
      }
      remembered.open(null);
      messages.replaceChildren();
      this.#note(LOST_NOTE);
    } finally {
      this.#end(running);
    }
  }

  #start(view: ReplyView, asked: string, key: string): void {
    const running = this.#begin();
    view.waiting();
    this.#parts.announce("Beans is typing");
    void this.#run({ view, asked, key }, running).finally(() => this.#end(running));
  }

  async #run(
    { view, asked, key }: { view: ReplyView; asked: string; key: string },
    { signal }: AbortController,
  ): Promise<void> {
    try {
      const id = await this.#say(asked, key, view);
      if (!signal.aborted) await this.#follow({ id, view, signal }, asked);
    } catch (error) {
      // Whether it came through is not known: under the same key it is answered once.
      if (!signal.aborted) this.#fail(view, error, asked, error instanceof ApiError ? undefined : key);
    }
  }

  /** @returns the session that took it: a new one where the old is gone */
  async #say(asked: string, key: string, view: ReplyView): Promise<string> {
    const { karta, remembered } = this.#parts;
    const id = await this.session();
    try {
      await karta.say(id, asked, key);
      return id;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
    remembered.open(null);
    view.insert(create("p", "note", LOST_NOTE));
    const another = await this.session();
    await karta.say(another, asked, key);
    return another;
  }

  /** To the turn's end, which is drawn. */
  async #follow(turn: Pick<FollowedTurn, "id" | "view" | "signal">, asked: string): Promise<void> {
    const { karta, announce, remembered } = this.#parts;
    const onSeen = (seq: number): void => {
      this.#cursor = seq;
    };
    const end = await follow({ ...turn, karta, after: this.#cursor, onSeen, announce });
    switch (end.kind) {
      case "left":
        return;
      case "ended":
        announce(`Beans: ${turn.view.settle(end.interrupted ? "*(stopped)*" : "*(no words)*")}`);
        remembered.settle(this.#cursor);
        return;
      case "failed":
        this.#fail(turn.view, new ReplyBrokenOff(end.message, true), asked);
        return;
    }
  }

  /** @param key that of the same try; left out, trying again is another message */
  #fail(view: ReplyView, error: unknown, asked: string, key: string = crypto.randomUUID()): void {
    const problem = problemOf(error);
    this.#failed = view;
    view.fail(problem, () => {
      if (!this.busy) this.#start(view, asked, key);
    });
    this.#parts.announce(problem.message);
  }

  #view(asked: string): ReplyView {
    return new ReplyView(this.#parts.messages, asked, this.#parts.onChange);
  }

  #note(words: string): void {
    this.#parts.messages.append(create("li", "note", words));
    this.#parts.announce(words);
    this.#parts.onChange();
  }

  #begin(): AbortController {
    this.#running?.abort();
    this.#running = new AbortController();
    this.#parts.onBusy(true);
    return this.#running;
  }

  #end(running: AbortController | null): void {
    if (running === null || this.#running !== running) return;
    this.#running = null;
    this.#parts.onBusy(false);
  }
}
