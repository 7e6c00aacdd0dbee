/** The books of a chaos run: what clients were told and saw, held against the log. */
import { isTerminal, type SessionEvent } from "../../../../shared/events.ts";
import { markOf, type Ledger, type Mark, type Sent, type ToldEnd, type View } from "./ledger.ts";
import type { Stored } from "./stored.ts";

/** Every session's events, in order, as the API shows them. */
export type Logs = ReadonlyMap<string, readonly SessionEvent[]>;

export interface Findings {
  /** What was there for somebody and is not there, or never came. */
  readonly lost: string[];
  /** What is there more than once. */
  readonly doubled: string[];
  /** What two places say differently. */
  readonly different: string[];
}

interface LoggedTurn {
  readonly id: string;
  readonly session: string;
  readonly text: string;
  readonly ends: ToldEnd[];
  readonly shown: Mark[];
}

function endOf(event: SessionEvent): ToldEnd | null {
  if (event.type === "done") return { status: event.data.status, text: event.data.message.text, code: null };
  if (event.type === "error") return { status: "failed", text: null, code: event.data.code };
  return null;
}

function turnsOf(logs: Logs): Map<string, LoggedTurn> {
  const turns = new Map<string, LoggedTurn>();
  for (const [session, events] of logs) {
    for (const event of events) {
      if (event.turn_id === null) continue;
      const turn: LoggedTurn = turns.get(event.turn_id) ?? {
        id: event.turn_id,
        session,
        text: event.type === "message" ? event.data.text : "",
        ends: [],
        shown: [],
      };
      turns.set(turn.id, turn);
      const end = endOf(event);
      if (end !== null) turn.ends.push(end);
      if (event.type !== "message" && event.type !== "system") turn.shown.push(markOf(event));
    }
  }
  return turns;
}

/** How many turns ended how: `completed`, `cancelled`, or an error's code. */
export function outcomes(logs: Logs): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { ends } of turnsOf(logs).values()) {
    const [end] = ends;
    const how = end === undefined ? "no end" : (end.code ?? end.status);
    counts.set(how, (counts.get(how) ?? 0) + 1);
  }
  return counts;
}

/** What clients were told and saw. */
export type Books = Pick<
  Ledger,
  "sent" | "views" | "managed" | "tailed" | "sessions" | "responses" | "keyed"
>;

export function checkBooks(ledger: Books, logs: Logs, stored: Stored): Findings {
  const findings: Findings = { lost: [], doubled: [], different: [] };
  const turns = turnsOf(logs);
  checkLogs(logs, turns, findings);
  checkStore(logs, stored, findings);
  const byNonce = Map.groupBy(turns.values(), ({ text }) => /n\d+n/.exec(text)?.[0] ?? "");
  for (const sent of ledger.sent) checkSent(sent, byNonce.get(sent.nonce) ?? [], findings);
  for (const view of ledger.views) checkView(view, logs, turns, findings);
  for (const view of tailsOf(ledger, logs)) checkView(view, logs, turns, findings);
  for (const [key, ids] of ledger.keyed)
    if (ids.size > 1) findings.doubled.push(`the key ${key} made ${[...ids].join(" and ")}`);
  for (const { id, nonce, end } of ledger.responses) {
    const logged = byNonce.get(nonce)?.[0]?.ends[0];
    if (end === null || logged === undefined) findings.lost.push(`the response ${id} has no end`);
    else if (
      end.status !== logged.status ||
      (end.text !== null && logged.text !== null && end.text !== logged.text)
    )
      findings.different.push(`the response ${id} is ${end.status}, its turn ${logged.status}`);
  }
  for (const { session, seen, snapshot } of ledger.managed) {
    const [theirs, ours] = [JSON.stringify(snapshot), JSON.stringify(seen)];
    if (theirs !== ours)
      findings.different.push(`the managed-agents client of ${session} saw ${ours}, it is ${theirs}`);
  }
  checkSessions(ledger, stored, findings);
  return findings;
}

/** Seqs are 1..n, and each turn has exactly one end, which is its last word. */
function checkLogs(logs: Logs, turns: Map<string, LoggedTurn>, { lost, doubled, different }: Findings): void {
  for (const [session, events] of logs) {
    events.forEach(({ seq }, place) => {
      if (seq !== place + 1) different.push(`${session} has seq ${seq} at place ${place + 1}`);
    });
    const ended = new Set<string>();
    for (const event of events) {
      if (event.turn_id === null) continue;
      if (ended.has(event.turn_id) && !isTerminal(event))
        different.push(`${event.turn_id} went on after its end, with a ${event.type}`);
      if (isTerminal(event)) ended.add(event.turn_id);
    }
  }
  for (const { id, ends, text } of turns.values()) {
    if (ends.length === 0) lost.push(`the turn ${id} has no end: ${text.slice(0, 200)}`);
    if (ends.length > 1) doubled.push(`the turn ${id} has ${ends.length} ends: ${JSON.stringify(ends)}`);
  }
}

/** The store has just these events and a row for each turn, whose state is its end's. */
function checkStore(logs: Logs, stored: Stored, { lost, different }: Findings): void {
  const shown = [...logs].flatMap(([session, events]) =>
    events.map(({ seq, type }) => `${session} ${seq} ${type}`),
  );
  const rows = stored.events.map(({ session_id, seq, type }) => `${session_id} ${seq} ${type}`);
  const missing = new Set(rows);
  for (const one of shown) if (!missing.delete(one)) lost.push(`the store does not have ${one}`);
  for (const one of missing) lost.push(`the API does not show ${one}`);
  const accepted = new Set(
    stored.events.flatMap(({ type, turn_id }) => (type === "message" ? (turn_id ?? []) : [])),
  );
  for (const { id, state } of stored.turns) {
    if (!accepted.has(id)) lost.push(`the turn ${id} has a row and no message`);
    if (!["completed", "failed", "cancelled"].includes(state))
      different.push(`the turn ${id} is ${state} in its row`);
  }
  if (stored.turns.length !== accepted.size)
    lost.push(`${accepted.size} messages, ${stored.turns.length} turns`);
}

function checkSent({ nonce, by, told }: Sent, turns: readonly LoggedTurn[], findings: Findings): void {
  const { lost, doubled, different } = findings;
  const what = `${by} ${nonce}`;
  if (turns.length > 1) doubled.push(`${what} ran ${turns.length} times`);
  const [turn] = turns;
  switch (told.kind) {
    case "nothing":
      return;
    case "refused":
      if (turn !== undefined) different.push(`${what} was refused with ${told.code}, and ran as ${turn.id}`);
      return;
    case "accepted": {
      if (turn === undefined) {
        lost.push(`${what} was accepted, and is not in the log`);
        return;
      }
      if (told.turnId !== null && told.turnId !== turn.id)
        different.push(`${what} is ${turn.id}, told was ${told.turnId}`);
      const [end] = turn.ends;
      if (told.end === null || end === undefined) return;
      const isSame =
        told.end.status === end.status &&
        (told.end.code === null || end.code === null || told.end.code === end.code) &&
        (told.end.text === null || end.text === null || told.end.text === end.text);
      if (!isSame)
        different.push(`${what} (${turn.id}) was told ${brief(told.end)}, the log says ${brief(end)}`);
    }
  }
}

function brief({ status, code, text }: ToldEnd): string {
  return `${code ?? status} ${text === null ? "" : `${text.length} characters`}`;
}

/** The tail as a view of each session: it began before them, and goes to their ends. */
function tailsOf({ tailed }: Books, logs: Logs): View[] {
  const marks = Map.groupBy(tailed, ({ session }) => session);
  return [...logs.keys()].map((session) => ({
    by: "tail",
    session,
    after: 0,
    turnId: null,
    marks: marks.get(session) ?? [],
    isWhole: true,
  }));
}

/** What was seen is the log's, each once, with no hole; and to its end, if it came there. */
function checkView(view: View, logs: Logs, turns: Map<string, LoggedTurn>, findings: Findings): void {
  const { by, session, after, turnId, marks, isWhole } = view;
  if (marks.length === 0 && !isWhole) return; // nothing came, and nothing was waited for
  const what = `${by} of ${session}`;
  const expected =
    turnId === null
      ? (logs.get(session) ?? []).filter(({ seq }) => seq > after).map(markOf)
      : (turns.get(turnId)?.shown ?? []);
  marks.forEach(({ seq, digest }, place) => {
    const due = expected[place];
    if (due?.seq === seq && due.digest === digest) return;
    if (marks.slice(0, place).some((earlier) => earlier.seq === seq))
      findings.doubled.push(`${what} saw ${seq} twice`);
    else if (due === undefined) findings.lost.push(`${what} saw ${seq}, which the log does not have`);
    else if (due.seq < seq) findings.lost.push(`${what} saw ${seq} in the place of ${due.seq}`);
    else findings.different.push(`${what} saw another ${seq}`);
  });
  if (isWhole && marks.length < expected.length)
    findings.lost.push(`${what} saw ${marks.length} of ${expected.length} events`);
}

/** Sessions that were answered are there; what was answered of a change or a deletion holds. */
function checkSessions({ sessions }: Books, stored: Stored, { lost, different }: Findings): void {
  const rows = new Map(stored.sessions.map((row) => [row.id, row]));
  for (const { id, isDeleted, sentCount, storedCount } of sessions.values()) {
    const row = rows.get(id);
    if (row === undefined) {
      lost.push(`the session ${id} is not there`);
      continue;
    }
    if (isDeleted && row.archived_at === null)
      lost.push(`the deletion of ${id} was answered, and is not there`);
    const count = Number(row.metadata.count);
    if (count !== storedCount && count !== sentCount)
      different.push(`${id} has count ${count}; ${storedCount} was answered, ${sentCount} sent last`);
  }
}
