/** Ports for the demo: the ones the tutorial names, or free ones where those are taken. */
import { createServer } from "node:net";

function tryListen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

/** The wanted port if it is free, else any free one. */
export async function freePort(wanted: number): Promise<{ port: number; isWanted: boolean }> {
  const got = await tryListen(wanted);
  if (got !== null) return { port: got, isWanted: true };
  const other = await tryListen(0);
  if (other === null) throw new Error("no port is free on 127.0.0.1");
  return { port: other, isWanted: false };
}
