/**
 * A turn as OpenAI's response: each of its events becomes none, one or several of theirs. Pure, and made from the log
 * alone, so that a response that is read again has the same events under the same numbers.
 */
import type { TurnErrorCode } from "../../../../shared/errors.ts";
import { isTerminal, type EventDraft, type Usage } from "../../../../shared/events.ts";
import type { ResponseEvent } from "../../../../shared/protocol/adapters/responses-events.ts";
import type {
  ResponseObject,
  ResponseStatus,
} from "../../../../shared/protocol/adapters/responses-object.ts";
import { ResponseOutput, type Unnumbered } from "./response-output.ts";
import { responseObject, type ResponseSettings } from "./response-object.ts";

/** What is known of a response before its turn says anything. */
export interface ResponseHead {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly settings: ResponseSettings;
}

/** An event of the turn, wherever it stands in the log. */
export type TurnEvent = EventDraft & {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
};

/** Pure: one a reading of the turn. */
export class ResponseProjection {
  readonly #head: ResponseHead;
  readonly #output: ResponseOutput;
  #status: ResponseStatus;
  #usage: Usage | null = null;
  #error: ResponseObject["error"] = null;
  #completedAt: number | null = null;
  #next = 0;

  constructor(head: ResponseHead) {
    this.#head = head;
    this.#output = new ResponseOutput(head.id);
    this.#status = head.settings.background ? "queued" : "in_progress";
  }

  /** The number that the next event gets. */
  get nextNumber(): number {
    return this.#next;
  }

  get isOver(): boolean {
    return this.#status !== "queued" && this.#status !== "in_progress";
  }

  /** The response as the events so far make it. */
  response(): ResponseObject {
    return responseObject(this.#head, {
      status: this.#status,
      output: [...this.#output.items],
      usage: this.#usage,
      error: this.#error,
      completedAt: this.#completedAt,
    });
  }

  /** What comes before the turn says anything. Called once, first. */
  open(): ResponseEvent[] {
    const response = this.response();
    const next = this.#status === "queued" ? "response.queued" : "response.in_progress";
    return this.#numbered([
      { type: "response.created", response },
      { type: next, response },
    ]);
  }

  /** @param event the turn's next, its `message` left out */
  add(event: TurnEvent): ResponseEvent[] {
    return this.#numbered(this.#unnumbered(event));
  }

  #numbered(events: Iterable<Unnumbered>): ResponseEvent[] {
    return Array.from(events, (event) => ({ ...event, sequence_number: this.#next++ }));
  }

  *#unnumbered(event: TurnEvent): Generator<Unnumbered> {
    if (this.isOver || event.type === "message" || event.type === "system") return;
    // One of the background is in progress when its turn first says something: the log tells no sooner.
    if (this.#status === "queued" && !isTerminal(event)) {
      this.#status = "in_progress";
      yield { type: "response.in_progress", response: this.response() };
    }
    switch (event.type) {
      case "text":
        yield* this.#output.add("message", event.data.part.text);
        return;
      case "reasoning":
        yield* this.#output.add("reasoning", event.data.part.text);
        return;
      case "tool_use":
        yield* this.#output.startCall(event.data);
        return;
      case "tool_result":
        yield* this.#output.endCall(event.data);
        return;
      case "done":
        yield* this.#output.close(event.data.status === "completed" ? "completed" : "incomplete");
        this.#status = event.data.status;
        this.#usage = event.data.usage;
        yield this.#end(event.timestamp);
        return;
      case "error":
        yield* this.#output.close("incomplete");
        this.#status = "failed";
        this.#error = failureOf(event.data.code, event.data.message);
        yield this.#end(event.timestamp);
        return;
      case "step_start":
      case "step_finish":
      case "agent_handoff":
      case "input_required":
      case "input_resolved":
        return; // OpenAI's API has no word for them
    }
  }

  /** A cancelled response ends as `response.incomplete` with its status: OpenAI's clients know no event of its own for it. */
  #end(timestamp: number): Unnumbered {
    if (this.#status === "completed") {
      this.#completedAt = timestamp;
      return { type: "response.completed", response: this.response() };
    }
    const type = this.#status === "failed" ? "response.failed" : "response.incomplete";
    return { type, response: this.response() };
  }
}

/** Karta's own code stands in the message: theirs is a closed list. */
function failureOf(code: TurnErrorCode, message: string): ResponseObject["error"] {
  const isLimit = code === "pool_saturated" || code === "budget_exhausted";
  return { code: isLimit ? "rate_limit_exceeded" : "server_error", message: `${message} (${code})` };
}
