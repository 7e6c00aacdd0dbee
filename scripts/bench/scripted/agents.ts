/** The scripted harness's child: as many agents as there are connections, each saying what its turns ask for. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import os from "node:os";
import path from "node:path";
import { atPace } from "../../../daemon/offline-model/pace.ts";
import { monotonicMs } from "../clock.ts";
import { END, OrderSchema, stamp, type Order } from "./protocol.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "karta-b-"));
const socketPath = path.join(folder, "agents.sock");
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit());
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
// Its parent's end closes this pipe, however it comes.
process.stdin.on("end", () => process.exit()).resume();

createServer((socket) => {
  const gone = new AbortController();
  socket.on("close", () => gone.abort());
  socket.on("error", () => undefined); // `close` follows
  createInterface({ input: socket }).on("line", (line) => {
    void sayAll(socket, OrderSchema.parse(JSON.parse(line)), gone.signal).catch((error: unknown) => {
      if (!gone.signal.aborted) throw error;
    });
  });
}).listen(socketPath, () => console.log(socketPath));

/** Each event is a write of its own, as a harness's are. */
async function sayAll(socket: Socket, { events, perSecond }: Order, signal: AbortSignal): Promise<void> {
  if (perSecond === 0) {
    for (let place = 0; place < events; place += 1) say(socket);
  } else {
    const pace = { firstTokenMs: Math.random() * (1000 / perSecond), tokensPerSecond: perSecond };
    const sayings = Array.from({ length: events }, () => () => say(socket));
    for await (const sayOne of atPace(sayings, pace, performance.now(), signal)) sayOne();
  }
  socket.write(`${JSON.stringify(END)}\n`);
}

function say(socket: Socket): void {
  socket.write(`${JSON.stringify(stamp(monotonicMs()))}\n`);
}
