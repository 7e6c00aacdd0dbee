/** A TCP proxy in front of a kartad, which breaks connections after so many bytes of the answer. */
import { once } from "node:events";
import net from "node:net";

export interface CuttingProxy {
  readonly url: string;
  /** Connections so far that were broken. */
  readonly cuts: number;
  /**
   * For the next connections, in order: the bytes of the answer that still pass. 0: the answer is lost whole. Those
   * that are open now end: a kept one would carry the next request.
   */
  cutAfter(...bytes: number[]): void;
  /** Asked of each connection that is open now: after how many more bytes of its answer it breaks; null: it stays. */
  cutOpen(choose: () => number | null): void;
  close(): Promise<void>;
}

/** A client's connection and the one that it goes on by. It holds kartad back where its client does not read. */
class Passage {
  readonly #client: net.Socket;
  readonly #kartad: net.Socket;
  readonly #onCut: () => void;
  /** Bytes of the answer that still pass. */
  left: number;

  constructor(options: {
    client: net.Socket;
    kartad: net.Socket;
    left: number;
    onCut: () => void;
    onEnd: () => void;
  }) {
    const { client, kartad } = options;
    this.#client = client;
    this.#kartad = kartad;
    this.left = options.left;
    this.#onCut = options.onCut;
    const end = (): void => {
      this.destroy();
      options.onEnd();
    };
    for (const socket of [client, kartad]) socket.on("error", end).on("close", end);
    client.pipe(kartad);
    client.on("drain", () => kartad.resume());
    kartad.on("data", (chunk: Buffer) => this.#pass(chunk));
  }

  destroy(): void {
    this.#client.destroy();
    this.#kartad.destroy();
  }

  #pass(chunk: Buffer): void {
    const passed = chunk.subarray(0, Math.min(this.left, chunk.length));
    this.left -= passed.length;
    if (this.left > 0) {
      if (!this.#client.write(passed)) this.#kartad.pause();
      return;
    }
    this.#onCut();
    this.#client.end(passed);
    this.#kartad.destroy();
  }
}

/** @param upstream asked for each connection where it may change: kartad comes back at another port */
export async function cuttingProxy(upstream: string | (() => string)): Promise<CuttingProxy> {
  const plan: number[] = [];
  const open = new Set<Passage>();
  let cuts = 0;
  const server = net.createServer((client) => {
    const { port, hostname } = new URL(typeof upstream === "string" ? upstream : upstream());
    const passage: Passage = new Passage({
      client,
      kartad: net.connect(Number(port), hostname),
      left: plan.shift() ?? Infinity,
      onCut: () => (cuts += 1),
      onEnd: () => open.delete(passage),
    });
    open.add(passage);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    get cuts() {
      return cuts;
    },
    cutAfter: (...bytes) => {
      plan.push(...bytes);
      for (const passage of open) passage.destroy();
    },
    cutOpen: (choose) => {
      for (const passage of open) passage.left = choose() ?? passage.left;
    },
    close: async () => {
      for (const passage of open) passage.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
