/** The daemon's log lines, live. They carry no cursor: after a reconnect the time of the last line is the place to go on. */
import type { z } from "zod";
import { LogLineSchema, type LogLine, type LogsQuerySchema } from "../../shared/protocol/control.ts";
import { queryText, type KartaClient } from "./client.ts";
import { follow, type FollowOptions } from "./follow.ts";
import { routes } from "./routes.ts";

/** Yields the lines that `GET` would answer with, then each new one, until `signal` aborts. */
export async function* followLogs(
  client: KartaClient,
  query: z.input<typeof LogsQuerySchema>,
  options: Pick<FollowOptions, "signal" | "onChange">,
): AsyncGenerator<LogLine> {
  let latest: number | null = null;
  /** The lines already shown that bear the latest time: several can share a millisecond. */
  let shown = new Set<string>();
  const messages = follow({
    ...options,
    socket: client.socket,
    target: () =>
      routes.logs.path + queryText({ ...query, follow: true, ...(latest === null ? {} : { since: latest }) }),
    onOpen: (answer) => client.seen(answer),
  });
  for await (const message of messages) {
    const line = parseLine(message);
    if (line === null) continue;
    if (latest !== null && line.time === latest && shown.has(message)) continue;
    if (latest === null || line.time > latest) {
      latest = line.time;
      shown = new Set();
    }
    shown.add(message);
    yield line;
  }
}

function parseLine(message: string): LogLine | null {
  try {
    const parsed = LogLineSchema.safeParse(JSON.parse(message));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
