/** A WebSocket by hand (RFC 6455): any frame, right or wrong. */
import { once } from "node:events";
import net from "node:net";
import { HANDSHAKE } from "../websocket.ts";

export interface Frame {
  readonly opcode: number;
  readonly content: Buffer;
  /** Default true: the last of its message. */
  readonly fin?: boolean;
  /** Default true, as a client's frames must be. */
  readonly masked?: boolean;
  /** The three reserved bits, as a number. */
  readonly rsv?: number;
  /** What it says that its content is long; left out: the truth. */
  readonly length?: bigint;
}

export function frame({ opcode, content, fin = true, masked = true, rsv = 0, length }: Frame): Buffer {
  const head = Buffer.alloc(14);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  let at = 2;
  if (length !== undefined) {
    head[1] = mask | 127;
    at = head.writeBigUInt64BE(length, 2);
  } else if (content.length > 125) {
    head[1] = mask | 126;
    at = head.writeUInt16BE(content.length, 2);
  } else head[1] = mask | content.length;
  // A mask of zeros changes nothing.
  return Buffer.concat([head.subarray(0, masked ? at + 4 : at), content]);
}

export function closeFrame(code: number, words: Buffer = Buffer.alloc(0)): Buffer {
  const content = Buffer.alloc(2);
  content.writeUInt16BE(code);
  return frame({ opcode: 8, content: Buffer.concat([content, words]) });
}

export class FrameConnection {
  /** The answer 101 and its headers. */
  head = "";
  readonly #socket: net.Socket;
  #said = Buffer.alloc(0);

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("error", () => undefined); // `close` follows
  }

  /** @param options.behind sent in one packet with the handshake */
  static async open(
    port: number,
    path: string,
    options: { readonly headers?: Readonly<Record<string, string>>; readonly behind?: Buffer } = {},
  ): Promise<FrameConnection> {
    const socket = net.connect(port, "127.0.0.1");
    await once(socket, "connect");
    const connection = new FrameConnection(socket);
    const lines = Object.entries({ Host: "localhost", ...HANDSHAKE, ...options.headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    socket.write(
      Buffer.concat([Buffer.from(`GET ${path} HTTP/1.1\r\n${head}\r\n`), options.behind ?? Buffer.alloc(0)]),
    );
    let end = -1;
    while (end < 0) {
      await connection.#more();
      end = connection.#said.indexOf("\r\n\r\n");
    }
    connection.head = connection.#said.subarray(0, end + 2).toString("latin1");
    connection.#said = connection.#said.subarray(end + 4);
    if (!connection.head.startsWith("HTTP/1.1 101 ")) throw new Error(`no WebSocket: ${connection.head}`);
    return connection;
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** The code that the server closes with. @throws when it leaves without one */
  async closeCode(): Promise<number> {
    for (;;) {
      for (let at = 0; at + 2 <= this.#said.length;) {
        const length = (this.#said[at + 1] ?? 0) & 0x7f; // the server's frames here are all short
        if (at + 2 + length > this.#said.length) break;
        if (((this.#said[at] ?? 0) & 0x0f) === 8) return length < 2 ? 1005 : this.#said.readUInt16BE(at + 2);
        at += 2 + length;
      }
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const chunk: unknown = this.#socket.read();
    if (Buffer.isBuffer(chunk)) {
      this.#said = Buffer.concat([this.#said, chunk]);
      return;
    }
    if (this.#socket.readableEnded || this.#socket.destroyed) throw new Error("closed without a goodbye");
    await Promise.race([once(this.#socket, "readable"), once(this.#socket, "close")]);
  }
}
