/** Books of a run in which one thing is wrong: what the checks are for, they must find. */
import { isTerminal, type SessionEvent } from "../../../../shared/events.ts";
import type { Books, Findings, Logs } from "./books.ts";
import type { Sent, View } from "./ledger.ts";
import type { Outcome } from "./run.ts";
import type { Stored } from "./stored.ts";

export interface Planted {
  /** Where it must show. */
  readonly kind: keyof Findings;
  readonly books: Books;
  readonly logs: Logs;
  readonly stored: Stored;
}

function first<T>(things: Iterable<T>, isWanted: (thing: T) => boolean): T {
  for (const thing of things) if (isWanted(thing)) return thing;
  throw new Error("this run has nothing of the kind: it was too short");
}

/** The log with one session's events changed. */
function withEvents(
  logs: Logs,
  session: string,
  change: (events: readonly SessionEvent[]) => SessionEvent[],
): Logs {
  return new Map([...logs].map(([id, events]) => [id, id === session ? change(events) : events]));
}

const isWholeTurn = ({ by, isWhole, marks }: View) => by === "stream" && isWhole && marks.length > 1;
const isLongFeed = ({ by, marks }: View) => by === "feed" && marks.length > 2;
const isCompleted = ({ told }: Sent) => told.kind === "accepted" && told.end?.status === "completed";

/** Whether the clients have come to what `plants` changes: on a slow machine, in a short run, they may not yet. */
export function canPlant({ views, sent }: Pick<Books, "views" | "sent">): boolean {
  return views.some(isWholeTurn) && views.some(isLongFeed) && sent.some(isCompleted);
}

export function plants({ ledger, logs, stored }: Outcome): Record<string, Planted> {
  const sound = { books: ledger, logs, stored };
  const [session, events] = first(logs, ([, all]) => all.some(isTerminal));
  const end = first(events, isTerminal);
  const turn = first(ledger.views, isWholeTurn);
  const feed = first(ledger.views, isLongFeed);
  const seen = (view: View, marks: View["marks"]): Books => ({
    ...booksOf(ledger),
    views: ledger.views.map((one) => (one === view ? { ...view, marks } : one)),
  });
  const ran = first(ledger.sent, isCompleted);
  const sentAs = (change: Partial<typeof ran>): Books => ({
    ...booksOf(ledger),
    sent: ledger.sent.map((one) => (one === ran ? { ...ran, ...change } : one)),
  });
  const told = { kind: "accepted", turnId: null, end: null } as const;
  return {
    "a turn with two ends": {
      ...sound,
      kind: "doubled",
      logs: withEvents(logs, session, (all) => [...all, { ...end, seq: all.length + 1 }]),
    },
    "a turn without an end": {
      ...sound,
      kind: "lost",
      logs: withEvents(logs, session, (all) => all.filter((event) => event !== end)),
    },
    "an event that the store does not have": {
      ...sound,
      kind: "lost",
      stored: { ...stored, events: stored.events.slice(1) },
    },
    "a stream that lacks its last event": {
      ...sound,
      kind: "lost",
      books: seen(turn, turn.marks.slice(0, -1)),
    },
    "a feed with a hole": { ...sound, kind: "lost", books: seen(feed, feed.marks.toSpliced(1, 1)) },
    "a feed that tells an event twice": {
      ...sound,
      kind: "doubled",
      books: seen(feed, [...feed.marks.slice(0, 2), ...feed.marks.slice(1)]),
    },
    "a feed that tells another event": {
      ...sound,
      kind: "different",
      books: seen(feed, feed.marks.with(1, { seq: feed.marks[1]?.seq ?? 0, digest: "another" })),
    },
    "a tail that lacks an event": {
      ...sound,
      kind: "lost",
      books: { ...booksOf(ledger), tailed: ledger.tailed.slice(1) },
    },
    "an accepted message that is nowhere": { ...sound, kind: "lost", books: sentAs({ nonce: "n0n", told }) },
    "a refused message that ran": {
      ...sound,
      kind: "different",
      books: sentAs({ told: { kind: "refused", code: "" } }),
    },
    "an answer that the log does not give": {
      ...sound,
      kind: "different",
      books: sentAs({ told: { ...told, end: { status: "completed", text: "another", code: null } } }),
    },
    "a key that made two turns": {
      ...sound,
      kind: "doubled",
      books: { ...booksOf(ledger), keyed: new Map([["key", new Set(["turn_1", "turn_2"])]]) },
    },
    "a session that is gone": { ...sound, kind: "lost", stored: { ...stored, sessions: [] } },
  };
}

function booksOf({ sent, views, managed, tailed, sessions, responses, keyed }: Books): Books {
  return { sent, views, managed, tailed, sessions, responses, keyed };
}
