/** What was said, kept in sessionStorage: a reload of the tab shows it again and goes on in the same session. */
import { field, parseJson, text } from "./karta-events.ts";

export type TurnState = "pending" | "answered" | "failed";

/** One message of the visitor's and what came back. */
export interface Turn {
  readonly kind: "turn";
  readonly asked: string;
  reply: string;
  state: TurnState;
  /** Sent with the message: the same key again asks for the same turn again, which runs once. */
  key: string;
  problem: Problem | null;
}

/** What went wrong, for the visitor; and what the server said, for whoever runs it. */
export interface Problem {
  readonly message: string;
  readonly detail: string;
}

/** A line between messages, such as "a new conversation starts here". */
export interface Note {
  readonly kind: "note";
  readonly text: string;
}

export type Entry = Turn | Note;

const STORAGE_KEY = "beans-chat";
/** Both bounds keep a long chat well below the 5 MB a browser gives; the oldest entries go first. */
const ENTRY_LIMIT = 100;
const LENGTH_LIMIT = 500_000;

const INTERRUPTED: Problem = { message: "The page was reloaded before this was answered.", detail: "" };

export class ChatLog {
  sessionId: string | null = null;
  readonly entries: Entry[] = [];

  /** What this tab remembers. A turn that was under way counts as failed: its reply went to a page that is gone. */
  static restore(): ChatLog {
    const log = new ChatLog();
    const stored = parseJson(readStorage());
    log.sessionId = text(field(stored, "sessionId")) || null;
    const entries = field(stored, "entries");
    if (Array.isArray(entries))
      log.entries.push(...entries.map(narrow).filter((entry) => entry !== undefined));
    return log;
  }

  /** Stores it, as far as the browser lets us: a private window may refuse, and the chat goes on without. */
  save(): void {
    while (this.entries.length > ENTRY_LIMIT) this.entries.shift();
    let json = this.#toJson();
    while (json.length > LENGTH_LIMIT && this.entries.length > 1) {
      this.entries.shift();
      json = this.#toJson();
    }
    try {
      sessionStorage.setItem(STORAGE_KEY, json);
    } catch {
      // No storage: a reload will start afresh.
    }
  }

  /** Forgets everything: the next message opens a new session. */
  clear(): void {
    this.sessionId = null;
    this.entries.length = 0;
    this.save();
  }

  #toJson(): string {
    return JSON.stringify({ sessionId: this.sessionId, entries: this.entries });
  }
}

function readStorage(): string {
  try {
    return sessionStorage.getItem(STORAGE_KEY) ?? "";
  } catch {
    return "";
  }
}

function narrow(value: unknown): Entry | undefined {
  if (field(value, "kind") === "note") return { kind: "note", text: text(field(value, "text")) };
  const asked = text(field(value, "asked"));
  if (field(value, "kind") !== "turn" || asked === "") return undefined;
  const turn = {
    kind: "turn" as const,
    asked,
    reply: text(field(value, "reply")),
    key: text(field(value, "key")),
  };
  switch (field(value, "state")) {
    case "answered":
      return { ...turn, state: "answered", problem: null };
    case "failed": {
      const problem = field(value, "problem");
      const stored = { message: text(field(problem, "message")), detail: text(field(problem, "detail")) };
      return { ...turn, state: "failed", problem: stored };
    }
    default:
      return { ...turn, state: "failed", problem: INTERRUPTED };
  }
}
