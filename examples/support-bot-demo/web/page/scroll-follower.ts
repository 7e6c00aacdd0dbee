/** Keeps the newest text in sight, unless the reader has scrolled up to read. */

/** Closer to the end than this counts as at the end: about two lines. */
const NEAR_PX = 48;

export class ScrollFollower {
  readonly #region: HTMLElement;
  readonly #jump: HTMLButtonElement;
  #following = true;
  #lastTop = 0;

  /** @param jump the button shown while newer text is out of sight */
  constructor(region: HTMLElement, jump: HTMLButtonElement) {
    this.#region = region;
    this.#jump = jump;
    region.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    jump.addEventListener("click", () => {
      this.follow(matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth");
      region.focus({ preventScroll: true }); // the button is about to vanish under the focus
    });
    // The region shrinks when a phone's keyboard opens or the message box grows.
    new ResizeObserver(() => this.contentChanged()).observe(region);
  }

  /** Call after each change of the content. */
  contentChanged(): void {
    if (this.#following) this.#region.scrollTop = this.#region.scrollHeight;
    this.#showJump();
  }

  /** Goes to the end and stays there. */
  follow(behavior: ScrollBehavior = "instant"): void {
    this.#following = true;
    this.#region.scrollTo({ top: this.#region.scrollHeight, behavior });
    this.#showJump();
  }

  #onScroll(): void {
    const { scrollTop } = this.#region;
    // Only an upward move is the reader's: growing text moves the end away from us without one.
    if (this.#nearEnd()) this.#following = true;
    else if (scrollTop < this.#lastTop - 1) this.#following = false;
    this.#lastTop = scrollTop;
    this.#showJump();
  }

  #showJump(): void {
    this.#jump.hidden = this.#following || this.#nearEnd();
  }

  #nearEnd(): boolean {
    return this.#region.scrollHeight - this.#region.scrollTop - this.#region.clientHeight < NEAR_PX;
  }
}
