/** The end of what a child printed: what is told of it when it has died. */
import { StringDecoder } from "node:string_decoder";

const MOST_CHARACTERS = 2000;
/** More is kept than is told, so that a secret at the cut is whole when it is looked for. */
const MARGIN = 4096;

/** Owner: whoever reads the stream. */
export class LastWords {
  readonly #decoder = new StringDecoder("utf8");
  readonly #mask: (text: string) => string;
  #text = "";
  #isCut = false;

  /** @param mask frees a text of secrets */
  constructor(mask: (text: string) => string) {
    this.#mask = mask;
  }

  add(chunk: Buffer | string): void {
    const whole = this.#text + (typeof chunk === "string" ? chunk : this.#decoder.write(chunk));
    this.#isCut ||= whole.length > MOST_CHARACTERS + MARGIN;
    this.#text = whole.slice(-(MOST_CHARACTERS + MARGIN));
  }

  /** At most 2,000 characters, masked. Empty: it printed nothing. */
  get text(): string {
    const masked = this.#mask(this.#text);
    // Of what was cut the first word may be the rest of one that the mask did not know any more.
    const first = masked.search(/\s/);
    const whole = !this.#isCut ? masked : first < 0 ? "" : masked.slice(first);
    return whole.slice(-MOST_CHARACTERS).trim();
  }
}

/** The beginning of a text, cut between words: half a secret would not be known as one. */
export function headOf(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = text.slice(0, most).search(/\s\S*$/);
  return `${end < 0 ? "" : text.slice(0, end)}…`;
}
