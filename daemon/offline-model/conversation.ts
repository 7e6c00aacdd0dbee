/** What a harness asked, whichever API it speaks: the user's turns, and where in the last one the request stands. */
import type { SideRequest } from "./side-request.ts";

export interface Conversation {
  /** The texts of the user's turns, oldest first. */
  readonly turns: readonly string[];
  /** Null: no tool has answered in the last turn. */
  readonly toolResult: string | null;
  /** A tool was asked for in the last turn: it must not be asked for again. */
  readonly toolAsked: boolean;
  /** Names as the harness offers them. */
  readonly tools: readonly string[];
  /** Null: a turn of the user's. */
  readonly sideRequest: SideRequest | null;
}

/** A request as the wire writers need it. */
export interface ModelRequest {
  readonly conversation: Conversation;
  readonly model: string;
  readonly stream: boolean;
  /** A rough count, from the request's length. */
  readonly inputTokens: number;
}

const REMINDER_START = "<system-reminder>";
const REMINDER_END = "</system-reminder>";

/** Claude Code leaves these among the user's texts when a turn is cancelled. */
const INTERRUPTED = "[Request interrupted by user";

/** Cuts harness reminders out. By search, not by pattern: a text may open a thousand and close none. */
function withoutReminders(text: string): string {
  let kept = "";
  let at = 0;
  for (;;) {
    const start = text.indexOf(REMINDER_START, at);
    const end = start === -1 ? -1 : text.indexOf(REMINDER_END, start);
    if (end === -1) return (kept + text.slice(at)).trim();
    kept += text.slice(at, start);
    at = end + REMINDER_END.length;
  }
}

/** Reads a conversation's parts in order. A user message's last text is the user's own; those before it are the harness's. */
export class ConversationReader {
  readonly turns: string[] = [];
  #results: string[] = [];
  #asked = false;
  #pending: string | null = null;

  get toolResult(): string | null {
    return this.#results.length === 0 ? null : this.#results.join("\n");
  }

  get toolAsked(): boolean {
    return this.#asked || this.#results.length > 0;
  }

  userText(raw: string): void {
    const text = withoutReminders(raw);
    if (text === "") return;
    // The cancelled turn and the one after it may share a message.
    if (text.startsWith(INTERRUPTED)) this.endUserMessage();
    else this.#pending = text;
  }

  endUserMessage(): void {
    if (this.#pending === null) return;
    this.turns.push(this.#pending);
    this.#pending = null;
    this.#results = [];
    this.#asked = false;
  }

  toolCall(): void {
    this.#asked = true;
  }

  toolResultText(raw: string): void {
    this.#results.push(withoutReminders(raw));
  }
}

/** Four characters a token: the usual rule of thumb for English and JSON. */
export function estimateTokens(characters: number): number {
  return Math.max(1, Math.ceil(characters / 4));
}
