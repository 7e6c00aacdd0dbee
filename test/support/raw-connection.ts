/** A TCP connection to a server, byte by byte: for requests that no HTTP client would send. */
import { once } from "node:events";
import net from "node:net";
import type { AnswerHead } from "./contract/document.ts";
import { seeAnswer } from "./contract/observer.ts";

export interface RawHttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export class RawConnection {
  /** Everything the server has said. */
  said = "";
  isClosed = false;
  readonly #socket: net.Socket;
  readonly #place: number | string;
  readonly #waiting: (() => void)[] = [];

  private constructor(socket: net.Socket, place: number | string) {
    this.#socket = socket;
    this.#place = place;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      this.said += text;
      this.#wake();
    });
    socket.on("error", () => undefined); // a reset is a close
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** @param place a port of this machine, or a Unix socket's path */
  static async open(place: number | string): Promise<RawConnection> {
    const socket = typeof place === "number" ? net.connect(place, "127.0.0.1") : net.connect(place);
    await once(socket, "connect");
    return new RawConnection(socket, place);
  }

  write(text: string): this {
    this.#socket.write(text, "latin1");
    return this;
  }

  /** Nothing more is said from here. */
  end(): void {
    this.#socket.end();
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** Leaves without a word: the server finds out when it next writes, by an error. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** The server has closed it. */
  closed(): Promise<void> {
    return this.#when(() => this.isClosed);
  }

  /** @throws when the connection is closed without it */
  async until(text: string): Promise<void> {
    await this.#when(() => this.said.includes(text) || this.isClosed);
    if (!this.said.includes(text)) throw new Error(`closed without ${text}: ${this.said}`);
  }

  /** Resolves when so many whole answers have come, or the server has closed it. */
  answered(count: number): Promise<void> {
    return this.#when(() => this.isClosed || wholeAnswers(this.said).length >= count);
  }

  /** The first answer, when it is whole. It is held against `/openapi.json`. @param asked for what request it stands */
  async answer(asked: Pick<AnswerHead, "method" | "path">): Promise<RawHttpAnswer> {
    await this.#when(() => wholeAnswer(this.said) !== null || this.isClosed);
    const answer = wholeAnswer(this.said);
    if (answer === null) throw new Error(`the connection was closed without a whole answer: ${this.said}`);
    const seen = seeAnswer({ ...asked, ...answer }, String(this.#place));
    seen?.bytes(answer.body);
    seen?.end();
    return answer;
  }

  async #when(come: () => boolean): Promise<void> {
    while (!come()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Every whole answer in these words, in order. */
export function wholeAnswers(said: string): RawHttpAnswer[] {
  const answers: RawHttpAnswer[] = [];
  for (let rest = said; rest !== "";) {
    const answer = wholeAnswer(rest);
    if (answer === null) break;
    answers.push(answer);
    const head = rest.indexOf("\r\n\r\n") + 4;
    const bytes = Buffer.from(rest.slice(head));
    rest = bytes.subarray(Buffer.byteLength(answer.body)).toString();
  }
  return answers;
}

/** The first answer in these words; null while it is not whole. */
export function wholeAnswer(said: string): RawHttpAnswer | null {
  const [head, body = ""] = splitOnce(said, "\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const [name, value = ""] = splitOnce(line, ": ");
      return [name.toLowerCase(), value];
    }),
  );
  const status = Number(first.split(" ")[1]);
  const length = Number(headers["content-length"] ?? (status === 100 ? 0 : Infinity));
  if (Buffer.byteLength(body) < length) return null;
  return {
    status,
    headers,
    body: Buffer.from(body).subarray(0, length).toString(),
  };
}

function splitOnce(text: string, by: string): [string, string?] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}
