/** What the browser keeps: who the visitor is, and the chat that a reload goes on with. The words themselves Karta has. */
import { field, parseJson, text } from "../../support-bot-demo/web/page/karta-events.ts";

export class Remembered {
  readonly #key: string;
  /** Made up once for this browser. A site with accounts takes its own user's id. */
  readonly endUser: string;
  /** Null: no chat is open. */
  sessionId: string | null;
  /** The seq after which everything is still to be shown: all before it is in the transcript. */
  cursor: number;

  /** @param project two projects on one origin keep apart */
  constructor(project: string) {
    this.#key = `karta-embedded:${project}`;
    const stored = parseJson(read(this.#key));
    const cursor = field(stored, "cursor");
    this.endUser = text(field(stored, "endUser")) || `visitor-${crypto.randomUUID()}`;
    this.sessionId = text(field(stored, "sessionId")) || null;
    this.cursor = typeof cursor === "number" ? cursor : 0;
    this.#save();
  }

  /** Another chat is open from now on, or none. */
  open(sessionId: string | null, cursor = 0): void {
    this.sessionId = sessionId;
    this.cursor = cursor;
    this.#save();
  }

  /** A turn has ended well at this seq. */
  settle(cursor: number): void {
    this.cursor = cursor;
    this.#save();
  }

  #save(): void {
    const { endUser, sessionId, cursor } = this;
    try {
      localStorage.setItem(this.#key, JSON.stringify({ endUser, sessionId, cursor }));
    } catch {
      // A private window may refuse: a reload will start afresh.
    }
  }
}

function read(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
