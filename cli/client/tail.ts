/** All events the operator may see, live, each once and in order, over restarts of the daemon. */
import type { z } from "zod";
import { CURSOR_HEADER, TAIL_PATH, TailItemSchema } from "../../shared/protocol/control.ts";
import { queryText } from "../../shared/client/call.ts";
import type { KartaClient } from "./client.ts";
import { follow, type FollowOptions } from "./follow.ts";

export type TailItem = z.infer<typeof TailItemSchema>;

export interface TailFilter {
  readonly session?: string;
  readonly project?: string;
  /** Replay each session's events after this seq first; without it, from now on. */
  readonly after?: number;
}

/** Yields each event once until `signal` aborts. */
export async function* tail(
  client: KartaClient,
  filter: TailFilter,
  options: Pick<FollowOptions, "signal" | "onChange">,
): AsyncGenerator<TailItem> {
  const { after, ...scope } = filter;
  let cursor: number | null = null;
  let atHandshake: number | null = null;
  const feed = follow({
    ...options,
    socket: client.socket,
    target: () => TAIL_PATH + queryText({ ...scope, ...place(cursor, after, atHandshake) }),
    onOpen: (answer) => {
      client.seen(answer);
      atHandshake ??= wholeNumber(answer.headers[CURSOR_HEADER]);
    },
  });
  for await (const arrived of feed) {
    const item = arrived.kind === "message" ? parseItem(arrived.text) : null;
    if (item === null || (cursor !== null && item.cursor <= cursor)) continue;
    cursor = item.cursor;
    yield item;
  }
}

/** Where to go on: after the last event seen, else where the user asked to begin, else where the first handshake was. */
function place(cursor: number | null, after: number | undefined, atHandshake: number | null) {
  if (cursor !== null) return { cursor };
  if (after !== undefined) return { after };
  return atHandshake === null ? {} : { cursor: atHandshake };
}

function wholeNumber(header: string | string[] | undefined): number | null {
  return typeof header === "string" && /^\d+$/.test(header) ? Number(header) : null;
}

/** Null for an item that this version cannot read: an event type of a newer daemon. */
function parseItem(message: string): TailItem | null {
  try {
    const parsed = TailItemSchema.safeParse(JSON.parse(message));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
