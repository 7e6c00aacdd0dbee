/**
 * The screen as readline sees it. While a reply is being printed it sees none: what is typed then would be echoed into
 * the middle of the reply. readline keeps it, and shows it with the next prompt.
 */
import { Writable } from "node:stream";
import type { WriteStream } from "node:tty";

/** readline begins a prompt with a move up to where the last one began; hidden, that one took no rows. */
const UP = /^\[\d+A$/;
const ESCAPE = "\u001b";

type State = "hidden" | "beginning" | "shown";

export class PromptScreen {
  /** For readline. */
  readonly output: Writable & { readonly columns?: number };
  readonly #screen: WriteStream;
  #state: State = "hidden";

  constructor(screen: WriteStream) {
    this.#screen = screen;
    this.output = Object.defineProperty(
      new Writable({
        decodeStrings: false,
        write: (chunk: unknown, _encoding, written) => {
          this.#echo(String(chunk));
          written();
        },
      }),
      "columns",
      { get: () => screen.columns },
    );
    screen.on("resize", () => this.output.emit("resize"));
  }

  /** A prompt is wanted: from now on readline is seen. */
  show(): void {
    if (this.#state === "hidden") this.#state = "beginning";
  }

  hide(): void {
    this.#state = "hidden";
  }

  /** Writes whatever readline may do. */
  print(text: string): void {
    this.#screen.write(text);
  }

  #echo(text: string): void {
    switch (this.#state) {
      case "hidden":
        return;
      case "beginning":
        this.#state = "shown";
        if (!text.startsWith(ESCAPE) || !UP.test(text.slice(1))) this.#screen.write(text);
        return;
      case "shown":
        this.#screen.write(text);
    }
  }
}
