/** A conversation that its agent tells again (`session/load`) → a transcript. One a reading, no I/O. */
import { createHash } from "node:crypto";
import type { RequestPermissionResponse } from "@agentclientprotocol/sdk";
import type { HarnessEvent, TranscriptEntry } from "../harness.ts";
import type { ConversationEars } from "./connection.ts";
import { permissionAnswer, type PermissionAsked } from "./permission.ts";
import { asWritten } from "./plain-text.ts";
import { TurnTranslator } from "./translate.ts";
import { textOfContent, type Update } from "./updates.ts";

interface UsersMessage {
  readonly role: "user";
  readonly id: string;
  text: string;
}

export class Replay implements ConversationEars {
  readonly #threadId: string;
  readonly #entries: (UsersMessage | Exclude<TranscriptEntry, { role: "user" }>)[] = [];
  /** What the agent says now; null right after a user's message. */
  #answer: TurnTranslator | null = null;
  /** The agent's own id of the user's message that came last; null when it gives none. */
  #lastId: string | null = null;
  #messages = 0;

  constructor(threadId: string) {
    this.#threadId = threadId;
  }

  /** It is longer than any conversation that can be shown; the rest is not kept. */
  isTooLong = false;

  report(update: Update): void {
    if (this.isTooLong) return;
    if (update.sessionUpdate === "user_message_chunk") {
      if (!update.isForUsers) return;
      this.#userSays(textOfContent(update.content), update.messageId ?? null);
      return;
    }
    this.#answer ??= this.#newAnswer();
    this.#answer.translate(update);
    this.isTooLong = this.#answer.isFlooding;
  }

  /** Nothing is at work: there is nothing to allow. */
  permission(asked: PermissionAsked): Promise<RequestPermissionResponse> {
    return Promise.resolve(permissionAnswer(asked, "cancelled"));
  }

  /** All of it, oldest first. */
  entries(): readonly TranscriptEntry[] {
    this.#answer?.end();
    return this.#entries
      .filter((entry) => entry.role === "user" || entry.said.length > 0)
      .map((entry) => (entry.role === "user" ? { ...entry, text: asWritten(entry.text) } : entry));
  }

  #newAnswer(): TurnTranslator {
    const said: HarnessEvent[] = [];
    this.#entries.push({ role: "assistant", said });
    return new TurnTranslator((event) => void said.push(event));
  }

  /** A message comes in one piece unless its pieces say that they belong together: Karta sends one block of text. */
  #userSays(text: string, messageId: string | null): void {
    const last = this.#entries.at(-1);
    if (this.#answer === null && last?.role === "user" && messageId !== null && messageId === this.#lastId) {
      last.text += text;
      return;
    }
    this.#answer?.end();
    this.#answer = null;
    this.#lastId = messageId;
    this.#messages += 1;
    this.#entries.push({ role: "user", id: this.#idOf(messageId ?? `message ${this.#messages}`), text });
  }

  /** The same at every reading: of the agent's own id, or of the message's place. */
  #idOf(name: string): string {
    const digest = createHash("sha256").update(`${this.#threadId}\0${name}`).digest("hex");
    return `msg_${digest.slice(0, 32)}`;
  }
}
