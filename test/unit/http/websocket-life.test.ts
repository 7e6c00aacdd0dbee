/** How WebSockets begin and end, on a server whose one route is a feed without events. */
import { once } from "node:events";
import type { RequestListener } from "node:http";
import net from "node:net";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { KartaError } from "../../../shared/errors.ts";
import { createHttpServer, listenOnPort } from "../../../daemon/http/listen.ts";
import { upgradeOf, WebSockets } from "../../../daemon/http/websocket.ts";
import { rawRequest } from "../../support/http.ts";
import { HANDSHAKE, openSocket } from "../../support/websocket.ts";
import type { WebSocket } from "ws";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0)) await step();
  jest.useRealTimers();
});

/** The clients as the server has them come in their order. */
async function serve() {
  const accepted: WebSocket[] = [];
  const answer: RequestListener = (request, response) => {
    try {
      const client = upgradeOf(request)?.accept() ?? null;
      if (client !== null) accepted.push(client);
    } catch (error) {
      const refusal = error instanceof KartaError ? error : null;
      response.writeHead(refusal?.status ?? 500).end(refusal?.code);
    }
  };
  const server = createHttpServer(answer);
  const sockets = new WebSockets(server, answer);
  const port = await listenOnPort(server, "127.0.0.1", 0);
  undo.push(() => {
    if (!server.listening) return;
    sockets.close();
    server.close();
    return once(server, "close");
  });
  return { server, sockets, port, accepted, open: () => openSocket({ url: `ws://127.0.0.1:${port}/` }) };
}

describe("WebSockets", () => {
  test("free a peer that answers no ping, and keep one that does", async () => {
    jest.useFakeTimers({
      doNotFake: ["setImmediate", "nextTick", "queueMicrotask", "performance", "hrtime"],
    });
    const { open, accepted } = await serve();
    const alive = await open();
    const dead = await open();
    const [atServer] = accepted;
    dead.ws.pause(); // its pings stay unread
    for (let beat = 0; beat < 4; beat += 1) {
      const ponged = atServer && once(atServer, "pong");
      jest.advanceTimersByTime(20_000);
      await ponged;
    }
    dead.ws.resume();
    expect((await dead.ended).code).toBe(1006); // no goodbye: nobody would have heard it
    for (let beat = 0; beat < 10; beat += 1) {
      const ponged = atServer && once(atServer, "pong");
      jest.advanceTimersByTime(20_000);
      await ponged;
    }
    expect(alive.ws.readyState).toBe(alive.ws.OPEN);
  });

  test("that close say goodbye, take nobody in, and wait for nobody who does not answer", async () => {
    const { server, sockets, port, open } = await serve();
    const polite = await open();
    const deaf = net.connect(port, "127.0.0.1");
    deaf.write(
      `GET / HTTP/1.1\r\nHost: localhost\r\n${Object.entries(HANDSHAKE)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("")}\r\n`,
    );
    await once(deaf, "readable");
    sockets.close();
    expect(await polite.ended).toEqual({ code: 1001, reason: "shutting_down" });
    const late = await rawRequest(port, "GET", "/", HANDSHAKE);
    expect(late).toMatchObject({ status: 503, body: "shutting_down" });
    server.close();
    await once(server, "close"); // which waits for every connection
    deaf.destroy();
  });

  test("outlive a client that leaves in its handshake", async () => {
    const { port, server, accepted } = await serve();
    for (let round = 0; round < 20; round += 1) {
      const socket = net.connect(port, "127.0.0.1");
      await once(socket, "connect");
      const head = Object.entries(HANDSHAKE).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\n${head.join("")}\r\n\xff\xff\xff`, "latin1", () =>
        round % 2 === 0 ? socket.resetAndDestroy() : socket.end(),
      );
      socket.on("error", () => undefined);
      await once(socket.resume(), "close");
    }
    expect((await rawRequest(port, "GET", "/", { ...HANDSHAKE, "Sec-WebSocket-Key": "x" })).status).toBe(400);
    expect(server.listening).toBe(true);
    for (const client of accepted) if (client.readyState !== client.CLOSED) await once(client, "close");
  });

  test("outlive an upgrade that comes behind a request whose answer goes on", async () => {
    const { port, open } = await serve();
    const socket = net.connect(port, "127.0.0.1");
    const head = Object.entries(HANDSHAKE).map(([name, value]) => `${name}: ${value}\r\n`);
    // The plain request is never answered by this server.
    socket.write(`GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\n${head.join("")}\r\n`);
    socket.on("error", () => undefined);
    await once(socket.resume(), "close");
    (await open()).ws.terminate();
  });
});
