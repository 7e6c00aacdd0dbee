/** Events on one WebSocket, fed by a watcher of the log. */
import type { WebSocket } from "ws";
import type { LoggedEvent } from "../events/logged-event.ts";
import { Watcher, type EventSource } from "../events/watcher.ts";
import { BUFFER_BYTES } from "./reader-buffer.ts";
import { endFeed } from "./websocket.ts";

export interface WebSocketFeedOptions {
  readonly source: EventSource;
  /** Events after this position. */
  readonly after: number;
  /** The event's message; null: this reader does not see it. */
  readonly message: (event: LoggedEvent) => string | Buffer | null;
  /** What the event's message waits for; null when it can be made. The watcher stops meanwhile. */
  readonly before?: (event: LoggedEvent) => Promise<unknown> | null;
}

/** Owner: the connection; freed when the client leaves or is cut off. */
export function feedWebSocket(client: WebSocket, options: WebSocketFeedOptions): void {
  let isFull = false;
  const flushed = (): void => {
    if (!isFull || client.bufferedAmount > BUFFER_BYTES / 2) return;
    isFull = false;
    watcher.resume();
  };
  /** Why the watcher must stop before this event; it is resumed when that is over. */
  const mustWait = (event: LoggedEvent): boolean => {
    if (client.bufferedAmount >= BUFFER_BYTES) return (isFull = true);
    const before = options.before?.(event) ?? null;
    before?.then(
      () => watcher.resume(),
      () => endFeed(client, "internal"),
    );
    return before !== null;
  };
  const watcher = new Watcher({
    source: options.source,
    after: options.after,
    sink: {
      write: (events) => {
        let taken = 0;
        for (const event of events) {
          if (mustWait(event)) break;
          taken += 1;
          const message = options.message(event);
          if (message !== null) client.send(message, { binary: false }, flushed);
        }
        return taken;
      },
      tooSlow: () => endFeed(client, "slow_consumer"),
      expired: () => endFeed(client, "cursor_expired"),
      failed: () => endFeed(client, "internal"),
    },
  });
  client.on("close", () => watcher.close());
}
