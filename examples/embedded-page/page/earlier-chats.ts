/** This visitor's chats, to go back to. */
import { byId, create } from "../../support-bot-demo/web/page/elements.ts";
import type { EarlierChat } from "./karta.ts";

const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export class EarlierChats {
  readonly #menu = byId("earlier", HTMLDetailsElement);
  readonly #list = byId("earlier-list", HTMLElement);

  /**
   * @param load asks Karta for them
   * @param onChoose called with the id of the one to open
   */
  constructor(load: () => Promise<readonly EarlierChat[]>, onChoose: (id: string) => void) {
    this.#menu.addEventListener("toggle", () => {
      if (this.#menu.open) void this.#show(load, onChoose);
    });
    this.#menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.#menu.open = false;
      this.#menu.querySelector("summary")?.focus();
    });
    document.addEventListener("click", ({ target }) => {
      if (target instanceof Node && !this.#menu.contains(target)) this.#menu.open = false;
    });
  }

  /** Offers them, or not while there can be none. */
  set offered(offered: boolean) {
    this.#menu.hidden = !offered;
  }

  async #show(load: () => Promise<readonly EarlierChat[]>, onChoose: (id: string) => void): Promise<void> {
    try {
      const chats = (await load()).filter(({ title }) => title !== "");
      const items = chats.map((chat) => this.#item(chat, onChoose));
      this.#list.replaceChildren(...(items.length > 0 ? items : [create("li", "none", "No chats yet")]));
    } catch {
      this.#list.replaceChildren(create("li", "none", "They can't be shown right now."));
    }
  }

  #item({ id, title, lastActivityAt }: EarlierChat, onChoose: (id: string) => void): HTMLElement {
    const button = create("button", "");
    button.type = "button";
    button.append(create("span", "earlier-title", title));
    button.append(create("span", "earlier-time", when.format(new Date(lastActivityAt))));
    button.addEventListener("click", () => {
      this.#menu.open = false;
      onChoose(id);
    });
    const item = create("li", "");
    item.append(button);
    return item;
  }
}
