/**
 * The daemon's log lines, live. The feed brings only what is logged from its handshake on and has no cursor, so what
 * came before, and what came while the daemon was away, is read by `GET` after each handshake, and told apart from
 * the first live lines by its text.
 */
import { LogLineSchema, type LogLine, type LogsQuery } from "../../shared/protocol/logs.ts";
import { queryText } from "../../shared/client/call.ts";
import type { KartaClient } from "./client.ts";
import { NoDaemonError, WentAwayError } from "./errors.ts";
import { follow, type FollowOptions } from "./follow.ts";
import { routes } from "./routes.ts";

/** How many lines from before are shown when the user names no time to begin at, as `journalctl -f` does. */
const LINES_BEFORE = 10;

/** Yields earlier lines, then each new one once, until `signal` aborts. */
export async function* followLogs(
  client: KartaClient,
  query: LogsQuery,
  options: Pick<FollowOptions, "signal" | "onChange">,
): AsyncGenerator<LogLine> {
  const shown = new Shown();
  const { lines: before = query.since === undefined ? LINES_BEFORE : undefined, ...filter } = query;
  const feed = follow({
    ...options,
    socket: client.socket,
    target: () => routes.logs.path + queryText({ ...filter, follow: true }),
    onOpen: (answer) => client.seen(answer),
  });
  for await (const arrived of feed) {
    if (arrived.kind === "open")
      yield* shown.earlier(await linesBefore(client, filter, before, shown.latest));
    else yield* shown.live(parseLine(arrived.text));
  }
}

/** Lines from before the handshake; none when the daemon is gone again, since the next handshake asks again. */
async function linesBefore(
  client: KartaClient,
  filter: Omit<LogsQuery, "lines">,
  lines: number | undefined,
  latest: number | null,
): Promise<LogLine[]> {
  // After a restart all that came meanwhile is wanted.
  const place = latest === null ? { lines } : { since: latest, lines: undefined };
  try {
    const { data } = await client.call(routes.logs, { query: { ...filter, ...place } });
    return place.lines === undefined ? data : data.slice(-place.lines); // an older kartad sends them all
  } catch (error) {
    if (error instanceof NoDaemonError || error instanceof WentAwayError) return [];
    throw error;
  }
}

/** Remembers of the shown lines what can come a second time. */
class Shown {
  /** The time of the last line: where to go on after the daemon was away. */
  latest: number | null = null;
  /** The lines of that time, since several can share a millisecond and asking from then on brings them again. */
  #atLatest = new Set<string>();
  /** What the last `GET` brought: the feed, open since before it, may bring the end of it too. */
  #fetched = new Set<string>();

  *earlier(lines: readonly LogLine[]): Generator<LogLine> {
    const repeated = new Set(this.#atLatest);
    this.#fetched = new Set(lines.map((line) => JSON.stringify(line)));
    for (const line of lines) if (!repeated.has(JSON.stringify(line))) yield this.#note(line);
  }

  *live(lines: readonly LogLine[]): Generator<LogLine> {
    for (const line of lines) if (!this.#fetched.has(JSON.stringify(line))) yield this.#note(line);
  }

  #note(line: LogLine): LogLine {
    if (line.time !== this.latest) this.#atLatest = new Set();
    this.latest = line.time;
    this.#atLatest.add(JSON.stringify(line));
    return line;
  }
}

function parseLine(message: string): LogLine[] {
  try {
    const parsed = LogLineSchema.safeParse(JSON.parse(message));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}
