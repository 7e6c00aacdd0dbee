/** Runs the chat: one turn at a time, from the visitor's text to the end of the reply or to what went wrong. */
import { ApiError, ReplyBrokenOff, spawnSession, streamReply } from "./api.ts";
import type { ChatLog, Turn } from "./chat-log.ts";
import type { ReplyEvent } from "./karta-events.ts";
import { mayStillRun, problemOf } from "./problems.ts";
import type { Transcript, TurnView } from "./transcript.ts";

const NEW_SESSION_NOTE =
  "Our earlier chat had ended, so this is a new one. You can still read what's above, but Beans no longer remembers it.";

export interface ConversationParts {
  readonly log: ChatLog;
  readonly transcript: Transcript;
  /** Says something to a screen reader. */
  readonly announce: (words: string) => void;
  /** Called whenever a turn starts or ends. */
  readonly onBusy: (busy: boolean) => void;
}

export class Conversation {
  readonly #parts: ConversationParts;
  #running: AbortController | null = null;
  /** The turn that can be tried again: only ever the newest. */
  #failed: TurnView | null = null;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    for (const entry of parts.log.entries) {
      if (entry.kind === "note") parts.transcript.addNote(entry.text);
      else this.#redraw(entry, entry === parts.log.entries.at(-1));
    }
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** Sends the visitor's text and shows the reply as it comes. */
  send(asked: string): void {
    if (this.busy) return;
    const turn: Turn = {
      kind: "turn",
      asked,
      reply: "",
      state: "pending",
      key: crypto.randomUUID(),
      problem: null,
    };
    this.#failed?.withdrawRetry();
    this.#parts.log.entries.push(turn);
    void this.#run(turn, this.#parts.transcript.addTurn(turn));
  }

  /** Leaves this conversation for a new one. A reply under way is no longer read. */
  startOver(): void {
    this.#running?.abort();
    this.#failed = null;
    this.#end(this.#running);
    this.#parts.log.clear();
    this.#parts.transcript.clear();
  }

  async #run(turn: Turn, view: TurnView): Promise<void> {
    const { log, announce, onBusy } = this.#parts;
    const running = new AbortController();
    this.#running = running;
    this.#failed = null;
    onBusy(true);
    Object.assign(turn, { state: "pending", reply: "", problem: null });
    log.save();
    view.waiting();
    announce("Beans is typing");
    try {
      await this.#readReply(turn, view, running.signal);
      turn.state = "answered";
      announce(`Beans: ${view.settle(turn.reply)}`);
    } catch (error) {
      if (running.signal.aborted) return; // startOver has cleared the screen
      if (!mayStillRun(error)) turn.key = crypto.randomUUID();
      turn.state = "failed";
      turn.problem = problemOf(error);
      this.#showFailed(turn, view);
      announce(turn.problem.message);
    } finally {
      if (!running.signal.aborted) log.save();
      this.#end(running);
    }
  }

  async #readReply(turn: Turn, view: TurnView, signal: AbortSignal): Promise<void> {
    let messageId: string | null = null;
    for await (const event of this.#ask(turn, signal)) {
      switch (event.type) {
        case "text": {
          const gap = messageId !== null && messageId !== event.messageId ? "\n\n" : "";
          messageId = event.messageId;
          turn.reply += gap + event.delta;
          view.working("");
          view.grow(gap + event.delta);
          break;
        }
        case "working":
          view.working(event.on === "tool" ? "Looking that up…" : "Waiting for a colleague's approval…");
          break;
        case "done":
          if (turn.reply === "")
            turn.reply = event.text || (event.cancelled ? "*(stopped)*" : "*(no words)*");
          return;
        case "error":
          throw new ReplyBrokenOff(event.message, true);
      }
    }
    throw new ReplyBrokenOff("", false);
  }

  /** Asks in the session at hand; in a new one where there is none, or where it turns out to be gone. */
  async *#ask(turn: Turn, signal: AbortSignal): AsyncGenerator<ReplyEvent> {
    const { log } = this.#parts;
    if (log.sessionId !== null) {
      try {
        yield* streamReply(log.sessionId, turn.asked, turn.key, signal);
        return;
      } catch (error) {
        if (!(error instanceof ApiError && error.sessionLost)) throw error;
        this.#noteNewSession(turn);
      }
    }
    log.sessionId = await spawnSession(signal);
    log.save();
    yield* streamReply(log.sessionId, turn.asked, turn.key, signal);
  }

  #noteNewSession(turn: Turn): void {
    const { log, transcript } = this.#parts;
    log.sessionId = null;
    const at = log.entries.indexOf(turn);
    if (at === 0) return; // nothing above to speak of
    log.entries.splice(at, 0, { kind: "note", text: NEW_SESSION_NOTE });
    transcript.addNote(NEW_SESSION_NOTE, true);
  }

  #redraw(turn: Turn, newest: boolean): void {
    const view = this.#parts.transcript.addTurn(turn);
    if (turn.state === "answered") {
      view.settle(turn.reply);
      return;
    }
    if (turn.reply !== "") view.grow(turn.reply);
    this.#showFailed(turn, view);
    if (!newest) view.withdrawRetry();
  }

  #showFailed(turn: Turn, view: TurnView): void {
    this.#failed = view;
    view.fail(turn.problem ?? problemOf(undefined), () => {
      if (!this.busy) void this.#run(turn, view);
    });
  }

  #end(running: AbortController | null): void {
    if (running === null || this.#running !== running) return;
    this.#running = null;
    this.#parts.onBusy(false);
  }
}
