/** The operator's live feeds, as WebSockets on the control socket: events (`tail`) and log lines. */
import type { Express, Request } from "express";
import type { WebSocket } from "ws";
import type { z } from "zod";
import { KartaError } from "../../shared/errors.ts";
import { controlRoutes, CURSOR_HEADER, type TailQuerySchema } from "../../shared/protocol/control.ts";
import type { LogsQuery } from "../../shared/protocol/logs.ts";
import type { EventSource } from "../events/watcher.ts";
import { mount, STREAMED } from "../http/mount.ts";
import { feedWebSocket } from "../http/websocket-feed.ts";
import { endFeed, upgradeOf } from "../http/websocket.ts";
import type { Log } from "../log.ts";

/** Log lines have no cursor to come back with: a reader this far behind is cut off. */
const LOG_BUFFER_BYTES = 4 * 1024 * 1024;
/** Sessions whose project a tail remembers. */
const MOST_NAMES = 10_000;

export interface FeedOptions {
  /** Events in the order over all sessions, of one session or of all. */
  readonly orderedEvents: (sessionId: string | null) => EventSource;
  /** The newest event's place in that order. */
  readonly newestEventId: () => Promise<number>;
  readonly projectOf: (sessionId: string) => Promise<string>;
  readonly log: Log;
}

export function mountFeeds(app: Express, options: FeedOptions): void {
  mount(app, controlRoutes.tail, async ({ request, response, query }) => {
    const start = query.cursor ?? (query.after === undefined ? await options.newestEventId() : 0);
    // A tail that saw no event yet goes on from its handshake after a restart of kartad.
    response.setHeader(CURSOR_HEADER, start);
    const client = requireUpgrade(request).accept();
    if (client !== null) tail(client, query, start, options);
    return STREAMED;
  });

  mount(app, controlRoutes.logs, async ({ request, query }) => {
    const upgrade = upgradeOf(request);
    const { lines, ...filter } = query;
    if (upgrade === null) return { data: await options.log.read(filter, lines), older: options.log.older };
    const client = upgrade.accept();
    if (client !== null) followLog(client, filter, options.log);
    return STREAMED;
  });
}

function requireUpgrade(request: Request) {
  const upgrade = upgradeOf(request);
  if (upgrade === null)
    throw new KartaError("bad_request", `${request.path} is a WebSocket: ask for an upgrade`);
  return upgrade;
}

function tail(
  client: WebSocket,
  query: z.infer<typeof TailQuerySchema>,
  start: number,
  options: FeedOptions,
): void {
  const projects = new Map<string, string>();
  const learn = async (sessionId: string): Promise<void> => {
    const project = await options.projectOf(sessionId);
    if (projects.size >= MOST_NAMES) projects.clear();
    projects.set(sessionId, project);
  };
  feedWebSocket(client, {
    source: options.orderedEvents(query.session ?? null),
    after: start,
    before: ({ sessionId }) => (projects.has(sessionId) ? null : learn(sessionId)),
    message: (event) => {
      if (query.cursor === undefined && event.seq <= (query.after ?? 0)) return null;
      const project = projects.get(event.sessionId) ?? ""; // it was learnt before
      if (query.project !== undefined && project !== query.project) return null;
      return `{"cursor":${event.id},"project":${JSON.stringify(project)},"event":${event.json}}`;
    },
  });
}

function followLog(client: WebSocket, filter: Omit<LogsQuery, "lines">, log: Log): void {
  const stop = log.follow(filter, (line) => {
    if (client.bufferedAmount > LOG_BUFFER_BYTES) {
      stop();
      endFeed(client, "slow_consumer");
    } else client.send(JSON.stringify(line));
  });
  client.on("close", stop);
}
