/** One turn on screen: what the visitor wrote, and the reply with its parts, requests and problems. */
import type { Problem } from "../../support-bot-demo/web/page/chat-log.ts";
import { create } from "../../support-bot-demo/web/page/elements.ts";
import { GrowingMarkdown } from "../../support-bot-demo/web/page/growing-markdown.ts";

interface Part {
  readonly bubble: HTMLElement;
  readonly growing: GrowingMarkdown;
}

export class ReplyView {
  readonly #item = create("li", "message from-beans");
  readonly #status = create("p", "working");
  readonly #typing = create("div", "bubble typing");
  readonly #parts = new Map<string, Part>();
  readonly #onChange: () => void;
  #problem: HTMLElement | null = null;

  /** @param onChange called after each change of what is on screen */
  constructor(messages: HTMLElement, asked: string, onChange: () => void) {
    this.#onChange = onChange;
    const own = create("li", "message from-visitor");
    own.append(create("span", "visually-hidden", "You:"), create("p", "bubble", asked));
    this.#typing.append(create("i", ""), create("i", ""), create("i", ""));
    this.#typing.ariaHidden = "true"; // announced in words elsewhere
    this.#item.append(create("span", "visually-hidden", "Beans:"), this.#status);
    this.#status.hidden = true;
    messages.append(own, this.#item);
    onChange();
  }

  /** A reply is on its way. Takes away what an earlier try has left. */
  waiting(): void {
    this.#problem?.remove();
    for (const { bubble } of this.#parts.values()) bubble.remove();
    this.#parts.clear();
    this.#status.before(this.#typing);
    this.#item.classList.add("streaming");
    this.#onChange();
  }

  /** Lets a part grow, or gives it another text. */
  say(partId: string, text: string, replaces = false): void {
    this.#typing.remove();
    if (replaces) {
      this.#parts.get(partId)?.bubble.remove();
      this.#parts.delete(partId);
    }
    let part = this.#parts.get(partId);
    if (part === undefined) {
      const bubble = create("div", "bubble reply");
      part = { bubble, growing: new GrowingMarkdown(bubble, this.#onChange) };
      this.#parts.set(partId, part);
      this.#status.before(bubble);
    }
    part.growing.append(text);
  }

  /** A line under the reply while it has not ended. The empty string takes it away. */
  working(line: string): void {
    if (this.#status.textContent === line) return;
    this.#status.textContent = line;
    this.#status.hidden = line === "";
    this.#onChange();
  }

  /** Shows something of its own in the reply, below what was said so far. */
  insert(element: HTMLElement): void {
    this.#typing.remove();
    this.#status.before(element);
    this.#onChange();
  }

  /** The reply is whole. @param empty what stands there if nothing was said @returns it as plain text, to read out */
  settle(empty: string): string {
    if (this.#parts.size === 0) this.say("", empty);
    this.#end();
    return [...this.#parts.values()].map(({ bubble }) => bubble.innerText).join("\n");
  }

  fail(problem: Problem, onRetry: () => void): void {
    this.#end();
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

  /** The conversation went on: nothing is tried again. */
  withdrawRetry(): void {
    this.#problem?.querySelector(".retry")?.remove();
  }

  #end(): void {
    this.#typing.remove();
    this.working("");
    this.#item.classList.remove("streaming");
    for (const { growing } of this.#parts.values()) growing.finish();
  }
}
