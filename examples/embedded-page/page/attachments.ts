/** Files that go along with the next message: each is put into the session's workspace, and the message names them. */
import { byId, create } from "../../support-bot-demo/web/page/elements.ts";

/** kartad's default bound on a body is 2 MiB, and base64 takes a third more than the bytes. */
const MOST_BYTES = 1.4 * 1024 * 1024;

export class Attachments {
  readonly #list = byId("attached", HTMLElement);
  readonly #button = byId("attach", HTMLButtonElement);
  #paths: string[] = [];

  /**
   * @param upload puts a file there and returns its path
   * @param tell shows what went wrong; null takes it away
   */
  constructor(upload: (file: File) => Promise<string>, tell: (words: string | null) => void) {
    const input = byId("file", HTMLInputElement);
    this.#button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      input.value = ""; // the same file can be chosen again
      if (file !== undefined) void this.#add(file, upload, tell);
    });
  }

  /** What the message says, with the files that go along. They are the agent's from now on. */
  addedTo(text: string): string {
    if (this.#paths.length === 0) return text;
    const named = `${text}\n\n(Attached: ${this.#paths.join(", ")})`;
    this.clear();
    return named;
  }

  clear(): void {
    this.#paths = [];
    this.#list.replaceChildren();
  }

  async #add(
    file: File,
    upload: (file: File) => Promise<string>,
    tell: (words: string | null) => void,
  ): Promise<void> {
    if (file.size > MOST_BYTES) {
      tell(`${file.name} is too large: a file may have 1.4 MB.`);
      return;
    }
    this.#button.disabled = true;
    tell(null);
    try {
      const path = await upload(file);
      this.#paths.push(path);
      this.#list.append(this.#chip(path));
    } catch (error) {
      tell(`${file.name} could not be attached. ${error instanceof Error ? error.message : ""}`);
    } finally {
      this.#button.disabled = false;
    }
  }

  #chip(path: string): HTMLElement {
    const item = create("li", "");
    const name = path.split("/").at(-1) ?? path;
    const remove = create("button", "", "×");
    remove.type = "button";
    remove.ariaLabel = `Leave ${name} out`;
    remove.addEventListener("click", () => {
      this.#paths = this.#paths.filter((one) => one !== path);
      item.remove();
      this.#button.focus();
    });
    item.append(create("span", "", name), remove);
    return item;
  }
}
