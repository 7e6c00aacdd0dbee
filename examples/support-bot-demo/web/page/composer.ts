/** The message box: Enter sends, Shift+Enter breaks the line, and one can type on while a reply comes in. */
import { byId } from "./elements.ts";

/** Say how many characters are left from here on. */
const NEARLY_FULL = 200;
const HINT = "Enter to send, Shift + Enter for a new line";
const BUSY_HINT = "Beans is replying. You can send when the reply is done.";

export class Composer {
  readonly #box = byId("message", HTMLTextAreaElement);
  readonly #send = byId("send", HTMLButtonElement);
  readonly #hint = byId("hint", HTMLElement);
  #busy = false;

  /** @param onSend called with the trimmed text, never an empty one, and never while busy */
  constructor(onSend: (text: string) => void) {
    const submit = () => {
      const text = this.#box.value.trim();
      if (text === "" || this.#busy) return;
      this.#box.value = "";
      this.#refresh();
      onSend(text);
    };
    byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
      this.focus();
    });
    this.#box.addEventListener("keydown", (event) => {
      // Enter that picks a candidate in an input method (Japanese, Chinese) is not a send.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    this.#box.addEventListener("input", () => this.#refresh());
    this.#refresh();
  }

  set busy(busy: boolean) {
    this.#busy = busy;
    this.#refresh();
  }

  focus(): void {
    this.#box.focus();
  }

  #refresh(): void {
    // aria-disabled and not disabled: the button keeps its place in the tab order, and the focus if it has it.
    this.#send.ariaDisabled = String(this.#busy || this.#box.value.trim() === "");
    const left = this.#box.maxLength - this.#box.value.length;
    this.#hint.textContent = left <= NEARLY_FULL ? `${left} characters left` : this.#busy ? BUSY_HINT : HINT;
    this.#hint.classList.toggle("important", this.#busy || left <= NEARLY_FULL);
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight + this.#box.offsetHeight - this.#box.clientHeight}px`; // CSS has the maximum
  }
}
