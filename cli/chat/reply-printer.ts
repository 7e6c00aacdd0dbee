/** Prints a turn as it arrives: the agent's words on stdout, everything about them on stderr. */
import type { EventData, SessionEvent } from "../../shared/events.ts";
import type { PendingInput } from "../../shared/protocol/sessions.ts";
import { turnError } from "../../shared/client/errors.ts";
import { toolLine } from "../render/tool-line.ts";
import { harmless, oneLine } from "../render/harmless.ts";
import { decisionPhrase, inputPhrase } from "../render/input.ts";
import type { Paint } from "../render/paint.ts";
import { cut } from "../render/width.ts";

export interface ReplyStreams {
  readonly words: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly asides: { write(text: string): unknown };
}

const ASIDE_COLUMNS = 100;

export class ReplyPrinter {
  readonly #streams: ReplyStreams;
  readonly #paint: Paint;
  /** Where the next character of the words goes. */
  #atLineStart = true;
  #afterReasoning = false;
  /** Of each open request: whether it asks for leave or for an answer. */
  readonly #kinds = new Map<string, PendingInput["kind"]>();

  constructor(streams: ReplyStreams, paint: Paint) {
    this.#streams = streams;
    this.#paint = paint;
  }

  /**
   * Shows one event.
   * @throws KartaError for the event that ends a failed turn
   */
  show(event: SessionEvent): void {
    switch (event.type) {
      case "text":
        this.#words(event.data.part.text);
        return;
      case "reasoning":
        this.#reasoning(event.data.part.text);
        return;
      case "tool_use":
        this.#aside(`· ${toolLine(event.data.tool_name, event.data.tool_input)}`);
        return;
      case "tool_result":
        if (event.data.is_error) this.#aside(`· failed: ${event.data.content}`);
        return;
      case "agent_handoff":
        this.#aside(`· ${event.data.from} hands over to ${event.data.to}`);
        return;
      case "input_required":
        this.asked(event.data);
        this.#aside(
          `· waits for an ${event.data.kind === "question" ? "answer" : "approval"}: ${inputPhrase(event.data)}`,
        );
        return;
      case "input_resolved":
        this.#resolved(event.data);
        return;
      case "done":
        this.endLine();
        if (event.data.status === "cancelled") this.#aside("· cancelled");
        return;
      case "error":
        this.endLine();
        throw turnError(event);
      case "message":
      case "step_start":
      case "step_finish":
      case "system":
        return;
    }
  }

  /** Something is asked for, by the printer or by others: what is written next begins a line. */
  asked(input: PendingInput): void {
    this.#kinds.set(input.request_id, input.kind);
    this.breakLine();
  }

  #resolved(resolution: EventData<"input_resolved">): void {
    const kind = this.#kinds.get(resolution.request_id) ?? "tool_use";
    this.#kinds.delete(resolution.request_id);
    this.#aside(`· ${decisionPhrase(kind, resolution)}`);
  }

  #words(text: string): void {
    if (this.#afterReasoning) this.#streams.asides.write("\n");
    this.#afterReasoning = false;
    const safe = harmless(text);
    this.#streams.words.write(safe);
    if (safe !== "") this.#atLineStart = safe.endsWith("\n");
  }

  #reasoning(text: string): void {
    this.breakLine();
    this.#afterReasoning = true;
    this.#streams.asides.write(this.#paint("dim", harmless(text)));
  }

  #aside(text: string): void {
    if (this.#afterReasoning) this.#streams.asides.write("\n");
    this.#afterReasoning = false;
    this.breakLine();
    this.#streams.asides.write(`${this.#paint("dim", cut(oneLine(text), ASIDE_COLUMNS))}\n`);
  }

  /** Only a screen shows both streams at once; in a pipe, a newline that the agent did not write would be a lie. */
  breakLine(): void {
    if (this.#streams.words.isTTY) this.endLine();
  }

  /** Ends the line that the words are in, if they are in one. */
  endLine(): void {
    if (!this.#atLineStart) this.#streams.words.write("\n");
    this.#atLineStart = true;
  }
}
