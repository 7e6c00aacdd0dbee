/** A reply that grows: rendered at most once a frame, and only its unfinished end each time. */
import { blocksOf, renderBlocks } from "./markdown.ts";

/** Rendering may take this share of the time (1 in 4): one huge unfinished block must not freeze the page. */
const REST_FACTOR = 3;

export class GrowingMarkdown {
  readonly #target: HTMLElement;
  readonly #onRendered: () => void;
  #source = "";
  /** Where the unfinished end starts in the source, and among the target's child nodes. */
  #settledLength = 0;
  #settledNodes = 0;
  #frame: number | null = null;
  #restUntil = 0;

  /** @param onRendered called after each change of the target */
  constructor(target: HTMLElement, onRendered: () => void) {
    this.#target = target;
    this.#onRendered = onRendered;
  }

  get source(): string {
    return this.#source;
  }

  append(delta: string): void {
    this.#source += delta.replaceAll("\r", ""); // marked drops them too, and its lengths must match ours
    this.#frame ??= requestAnimationFrame((now) => this.#onFrame(now));
  }

  /** Renders the whole reply once more, as one piece: references and lists may reach across blocks. */
  finish(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
    const whole = document.createElement("div");
    whole.append(renderBlocks(blocksOf(this.#source)));
    // Mostly it is what stands there already, and then a selection in it stays.
    if (whole.innerHTML !== this.#target.innerHTML) this.#target.replaceChildren(...whole.childNodes);
    this.#onRendered();
  }

  #onFrame(now: number): void {
    if (now < this.#restUntil) {
      this.#frame = requestAnimationFrame((later) => this.#onFrame(later));
      return;
    }
    this.#frame = null;
    const started = performance.now();
    this.#renderEnd();
    this.#onRendered();
    const ended = performance.now();
    this.#restUntil = ended + (ended - started) * REST_FACTOR;
  }

  #renderEnd(): void {
    const blocks = blocksOf(this.#source.slice(this.#settledLength));
    // The last block that is not blank may still change (a list takes more items); those before it cannot.
    const last = blocks.findLastIndex((block) => block.type !== "space");
    const settled = blocks.slice(0, Math.max(last, 0));
    while (this.#target.childNodes.length > this.#settledNodes) this.#target.lastChild?.remove();
    if (settled.some((block) => block.type !== "space")) {
      this.#target.append(renderBlocks(settled));
      this.#settledNodes = this.#target.childNodes.length;
      this.#settledLength += settled.reduce((sum, block) => sum + block.raw.length, 0);
    }
    this.#target.append(renderBlocks(blocks.slice(settled.length)));
  }
}
