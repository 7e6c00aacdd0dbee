/** The operator's live feeds, as WebSockets on the control socket: events (`tail`) and log lines. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { WebSocketServer, type WebSocket } from "ws";
import { z } from "zod";
import { controlRoutes, CURSOR_HEADER, LogsQuerySchema, TAIL_PATH } from "../../shared/protocol/control.ts";
import type { LoggedEvent } from "../events/logged-event.ts";
import { Watcher, type EventSource } from "../events/watcher.ts";
import type { Log } from "../log.ts";

/** A client of these feeds sends nothing but control frames. */
const MAX_FRAME_BYTES = 1024;
/** Bytes that may wait in a socket before its watcher stops and reads on from the log later. */
const BUFFER_BYTES = 256 * 1024;
const DRAIN_POLL_MS = 50;
/** Log lines have no cursor to come back with: a reader this far behind is cut off. */
const LOG_BUFFER_BYTES = 4 * 1024 * 1024;

const TailQuerySchema = z.object({
  session: z.string().optional(),
  project: z.string().optional(),
  /** Where an earlier tail was: the `cursor` of its last item, or of its handshake. */
  cursor: z.coerce.number().int().nonnegative().optional(),
  /** Without a cursor: replay each session's events after this seq. Neither: from now on. */
  after: z.coerce.number().int().nonnegative().optional(),
});
type TailQuery = z.infer<typeof TailQuerySchema>;

export interface ControlWebSocketOptions {
  /** Events in the order over all sessions, of one session or of all. */
  readonly events: (sessionId: string | null) => EventSource;
  /** The newest event's place in that order. */
  readonly newestEventId: () => Promise<number>;
  readonly projectOf: (sessionId: string) => Promise<string>;
  readonly log: Log;
  readonly logger: Logger;
}

/** Owner: the control server. The returned function closes every feed. */
export function serveControlWebSockets(server: Server, options: ControlWebSocketOptions): () => void {
  const feeds = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });
  // A tail that saw no event yet goes on from its handshake after a restart of kartad.
  const handshakes = new WeakMap<IncomingMessage, number>();
  feeds.on("headers", (headers, request) => {
    const cursor = handshakes.get(request);
    if (cursor !== undefined) headers.push(`${CURSOR_HEADER}: ${cursor}`);
  });
  const accept = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://karta");
    const query = Object.fromEntries(url.searchParams);
    switch (url.pathname) {
      case TAIL_PATH: {
        const { data } = TailQuerySchema.safeParse(query);
        if (data === undefined) {
          refuse(socket, 400);
          return;
        }
        const start = data.cursor ?? (data.after === undefined ? await options.newestEventId() : 0);
        handshakes.set(request, start);
        feeds.handleUpgrade(request, socket, head, (client) => tail(client, data, start, options));
        return;
      }
      case controlRoutes.logs.path: {
        const { data } = LogsQuerySchema.safeParse(query);
        if (data === undefined) {
          refuse(socket, 400);
          return;
        }
        feeds.handleUpgrade(request, socket, head, (client) => followLog(client, data, options.log));
        return;
      }
      default:
        refuse(socket, 404);
    }
  };
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    accept(request, socket, head).catch((error: unknown) => {
      options.logger.error({ err: error }, "a feed could not begin");
      socket.destroy();
    });
  });
  return () => {
    for (const client of feeds.clients) client.close(1001, "kartad is stopping");
    feeds.close();
  };
}

function refuse(socket: Duplex, status: 400 | 404): void {
  socket.end(
    `HTTP/1.1 ${status} ${status === 400 ? "Bad Request" : "Not Found"}\r\nConnection: close\r\n\r\n`,
  );
}

function tail(client: WebSocket, query: TailQuery, start: number, options: ControlWebSocketOptions): void {
  const projects = new Map<string, string>();
  const projectOf = async (event: LoggedEvent): Promise<string> => {
    const known = projects.get(event.sessionId);
    if (known !== undefined) return known;
    const project = await options.projectOf(event.sessionId);
    projects.set(event.sessionId, project);
    return project;
  };
  const send = async (event: LoggedEvent): Promise<void> => {
    if (query.cursor === undefined && event.seq <= (query.after ?? 0)) return;
    const project = await projectOf(event);
    if (query.project !== undefined && project !== query.project) return;
    client.send(`{"cursor":${event.id},"project":${JSON.stringify(project)},"event":${event.json}}`);
  };
  // One after the other, which keeps the order while names are looked up.
  let sending: Promise<void> = Promise.resolve();
  const watcher = new Watcher({
    source: options.events(query.session ?? null),
    after: start,
    sink: {
      write: (events) => {
        for (const event of events) sending = sending.then(() => send(event));
        sending = sending.catch((error: unknown) => {
          options.logger.error({ err: error }, "a tail could not go on");
          client.close(1011);
        });
        if (client.bufferedAmount < BUFFER_BYTES) return true;
        setTimeout(() => watcher.resume(), DRAIN_POLL_MS); // ws has no drain event
        return false;
      },
      tooSlow: () => client.close(1013, "slow_consumer"),
      failed: () => client.close(1011, "the event log could not be read"),
    },
  });
  client.on("close", () => watcher.close());
  client.on("error", () => watcher.close());
}

function followLog(client: WebSocket, query: z.infer<typeof LogsQuerySchema>, log: Log): void {
  const stop = log.follow(
    { level: query.level ?? null, project: query.project ?? null, since: query.since ?? null },
    (line) => {
      if (client.bufferedAmount > LOG_BUFFER_BYTES) client.close(1013, "slow_consumer");
      else client.send(JSON.stringify(line));
    },
  );
  client.on("close", stop);
  client.on("error", stop);
}
