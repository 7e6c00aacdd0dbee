/** The messages on screen. */
import type { Problem, Turn } from "./chat-log.ts";
import { create } from "./elements.ts";
import { GrowingMarkdown } from "./growing-markdown.ts";

/** One turn on screen: the visitor's bubble and the reply's. */
export interface TurnView {
  /** Shows that a reply is on its way. Also clears an earlier failure. */
  waiting(): void;
  /** Lets the reply's bubble grow. */
  grow(delta: string): void;
  /** A line under the reply while it has not ended: a tool runs, say. The empty string takes it away. */
  working(line: string): void;
  /** The reply is whole. Returns it as plain text, for the screen reader. */
  settle(reply: string): string;
  /** Shows what went wrong under what came so far. */
  fail(problem: Problem, onRetry: () => void): void;
  /** Takes the retry button away: the conversation went on. */
  withdrawRetry(): void;
}

export class Transcript {
  readonly #list: HTMLElement;
  readonly #onChange: () => void;

  /** @param onChange called after each change of what is on screen */
  constructor(list: HTMLElement, onChange: () => void) {
    this.#list = list;
    this.#onChange = onChange;
  }

  clear(): void {
    this.#list.replaceChildren();
    this.#onChange();
  }

  /** Adds a line between messages; before the last turn when that turn is what it is about. */
  addNote(text: string, beforeLastTurn = false): void {
    const note = create("li", "note", text);
    const own = [...this.#list.querySelectorAll(":scope > .from-visitor")].at(-1);
    if (beforeLastTurn && own !== undefined) own.before(note);
    else this.#list.append(note);
    this.#onChange();
  }

  /** Adds the visitor's message, and room for the reply. */
  addTurn(turn: Turn): TurnView {
    const asked = create("li", "message from-visitor");
    asked.append(create("span", "visually-hidden", "You:"), create("p", "bubble", turn.asked));
    const replied = create("li", "message from-beans");
    this.#list.append(asked, replied);
    return new ReplyView(replied, this.#onChange);
  }
}

class ReplyView implements TurnView {
  readonly #item: HTMLElement;
  readonly #onChange: () => void;
  readonly #bubble = create("div", "bubble reply");
  readonly #status = create("p", "working");
  #growing: GrowingMarkdown;
  #typing: HTMLElement | null = null;
  #problem: HTMLElement | null = null;

  constructor(item: HTMLElement, onChange: () => void) {
    this.#item = item;
    this.#onChange = onChange;
    this.#growing = new GrowingMarkdown(this.#bubble, onChange);
    this.#status.hidden = true;
    item.append(create("span", "visually-hidden", "Beans:"), this.#bubble, this.#status);
    this.#bubble.hidden = true;
  }

  waiting(): void {
    this.#problem?.remove();
    this.#bubble.replaceChildren();
    this.#bubble.hidden = true;
    this.#growing = new GrowingMarkdown(this.#bubble, this.#onChange);
    this.#typing = create("div", "bubble typing");
    this.#typing.append(create("i", ""), create("i", ""), create("i", ""));
    this.#typing.ariaHidden = "true"; // announced in words elsewhere
    this.#bubble.before(this.#typing);
    this.#item.classList.add("streaming");
    this.#onChange();
  }

  grow(delta: string): void {
    this.#stopTyping();
    this.#growing.append(delta);
  }

  working(line: string): void {
    if (this.#status.textContent === line) return;
    this.#status.textContent = line;
    this.#status.hidden = line === "";
    this.#onChange();
  }

  settle(reply: string): string {
    this.#end();
    if (this.#growing.source === "") this.#growing.append(reply);
    this.#growing.finish();
    this.#bubble.hidden = false;
    return this.#bubble.innerText;
  }

  fail(problem: Problem, onRetry: () => void): void {
    this.#end();
    if (this.#growing.source !== "") this.#growing.finish();
    const box = create("div", "problem");
    box.append(create("p", "problem-message", problem.message));
    if (problem.detail !== "") box.append(create("p", "problem-detail", problem.detail));
    const retry = create("button", "retry", "Try again");
    retry.type = "button";
    retry.addEventListener("click", onRetry, { once: true });
    box.append(retry);
    this.#problem?.remove();
    this.#problem = box;
    this.#item.append(box);
    this.#onChange();
  }

  withdrawRetry(): void {
    this.#problem?.querySelector(".retry")?.remove();
  }

  #end(): void {
    this.#stopTyping();
    this.working("");
    this.#item.classList.remove("streaming");
    this.#bubble.hidden = this.#growing.source === "";
  }

  #stopTyping(): void {
    this.#typing?.remove();
    this.#typing = null;
    this.#bubble.hidden = false;
  }
}
