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
  close(): Promise<void>;
}

export async function cuttingProxy(upstream: string): Promise<CuttingProxy> {
  const { port, hostname } = new URL(upstream);
  const plan: number[] = [];
  const open = new Set<net.Socket>();
  let cuts = 0;
  const server = net.createServer((client) => {
    const kartad = net.connect(Number(port), hostname);
    const end = () => {
      client.destroy();
      kartad.destroy();
      open.delete(client);
    };
    open.add(client);
    for (const socket of [client, kartad]) socket.on("error", end).on("close", end);
    client.pipe(kartad);
    let left = plan.shift() ?? Infinity;
    kartad.on("data", (chunk: Buffer) => {
      const passed = chunk.subarray(0, Math.min(left, chunk.length));
      left -= passed.length;
      if (left > 0) client.write(passed);
      else {
        cuts += 1;
        client.end(passed);
        kartad.destroy();
      }
    });
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
      for (const socket of open) socket.destroy();
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
