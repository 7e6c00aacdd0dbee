/** One chaos run: load and trouble side by side, then quiet, then everything that must hold is read. */
import { readdirSync, existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { KartaClient, type SessionEvent } from "../../../../shared/client/index.ts";
import { request } from "../../../support/api.ts";
import { processesWith } from "../../../support/processes.ts";
import { Random } from "../../../support/random.ts";
import { checkBooks, type Findings, type Logs } from "./books.ts";
import { readManaged } from "./clients/managed.ts";
import { readResponses } from "./clients/openai.ts";
import { beginTail } from "./clients/tail.ts";
import { descriptorsOf, hasProc } from "./family.ts";
import { makeTrouble } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { Load, openSlots } from "./load.ts";
import type { ChaosPlan } from "./plan.ts";
import { canPlant } from "./planted.ts";
import { PATIENT, type Play } from "./play.ts";
import { makeScene, type Scene } from "./scene.ts";
import { readStore, type Stored } from "./stored.ts";
import { RequestTally } from "./tally.ts";

/** Descriptors that may be open more than before: a log that was turned, the test's own idle connections (two or three). */
export const SPARE_DESCRIPTORS = 6;

/** What kartad says of its own mistakes. */
const BUGS = /a bug in kartad|a request failed|unhandled|UnhandledPromise|TypeError|ReferenceError/i;

export interface Outcome {
  readonly ledger: Ledger;
  readonly logs: Logs;
  readonly stored: Stored;
  readonly findings: Findings;
  readonly tally: RequestTally;
  /** Turns whose end was stored only by a further start. */
  readonly owedEnds: number;
  /** Processes that went on after their kartad, or after the last one was stopped. */
  readonly leakedProcesses: string[];
  /** What kartad held open at rest after the run and not before it, by kind. */
  readonly leakedDescriptors: string[];
  /** Temporary files that are left when all has ended. */
  readonly leftTemp: string[];
  readonly exitCode: number | null;
  /** How long there was no kartad, in seconds, and how many starts failed for the full disk. */
  readonly away: number;
  readonly failedStarts: number;
  /** Lines of kartad's log that tell of a bug. */
  readonly bugs: string[];
  /** The run's home, which is gone. */
  readonly folder: string;
  readonly seconds: number;
}

/** Waits until it holds. @throws with what was read last */
export async function until<T>(
  seconds: number,
  what: string,
  read: () => Promise<T>,
  holds: (found: T) => boolean,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await read();
    if (holds(found)) return found;
    if (performance.now() > deadline) throw new Error(`${what}: ${JSON.stringify(found)}`);
    await delay(100);
  }
}

async function readLogs(url: string): Promise<Logs> {
  const client = new KartaClient({ url });
  const logs = new Map<string, SessionEvent[]>();
  for (const id of await sessionIds(url))
    logs.set(id, await Array.fromAsync(client.storedEvents(id, { include: "system" })));
  return logs;
}

function withoutEnd(logs: Logs): number {
  let owed = 0;
  for (const events of logs.values()) {
    const open = new Set<string>();
    for (const { type, turn_id } of events) {
      if (turn_id === null) continue;
      if (type === "message") open.add(turn_id);
      if (type === "done" || type === "error") open.delete(turn_id);
    }
    owed += open.size;
  }
  return owed;
}

/** Every session, the deleted ones too. */
async function sessionIds(url: string): Promise<string[]> {
  const client = new KartaClient({ url });
  const all: string[] = [];
  for (const status of ["active", "archived"] as const)
    for await (const { id } of client.listSessions({ status })) all.push(id);
  return all;
}

/** Processes that carry one of these texts in their environment: all that a kartad of that home has started. */
export function leftBehind(folders: readonly string[]): string[] {
  return (hasProc ? folders : [])
    .flatMap((folder) => processesWith(folder))
    .map(({ pid, command }) => `${pid} ${command}`);
}

export async function run(plan: ChaosPlan): Promise<Outcome> {
  const startedAt = performance.now();
  const ledger = new Ledger();
  const tally = new RequestTally();
  const scene = await makeScene(plan, (what) => ledger.surprises.push(what));
  try {
    tally.start();
    const over = new AbortController();
    const { url } = scene.proxy;
    const play: Play = {
      plan,
      scene,
      ledger,
      slots: [],
      url,
      client: new KartaClient({ url, retry: PATIENT }),
      over: over.signal,
    };
    const fresh = await atRest(scene);
    const tail = await beginTail(scene, ledger);
    await openSlots(play);
    const load = new Load(play);
    await makeTrouble({ plan, scene, ledger });
    await until(60, "clients come to nothing", () => Promise.resolve(canPlant(ledger)), Boolean);
    over.abort();
    await load.ended();

    // Quiet: turns end by their own limits, watchers catch up.
    const { kartad, home } = scene;
    await until(
      40,
      "turns go on",
      () => home.operator.status(),
      ({ sessions }) => sessions.running_turns === 0,
    );
    const read = (): Promise<Logs> => readLogs(kartad.url);
    // An end that a full disk did not take is stored a moment after there is room.
    let logs = await until(10, "ends are missing", read, (found) => withoutEnd(found) === 0).catch(read);
    await Promise.all(
      load.watchers.map((watcher) => watcher.finish(logs.get(watcher.view.session)?.length ?? 0)),
    );
    const owedEnds = withoutEnd(logs);
    if (owedEnds > 0) {
      await kartad.drain();
      logs = await read();
    }
    await readManaged(kartad.url, ledger.managed, new Random(plan.seed));
    await readResponses(kartad.url, ledger);
    tally.stop();
    await tail.finish([...logs.values()].reduce((all, { length }) => all + length, 0));

    for (const id of await sessionIds(kartad.url)) await request(kartad.url, "DELETE", `/v1/sessions/${id}`);
    scene.proxy.cutAfter();
    const after = await until(
      8,
      "descriptors",
      () => atRest(scene),
      ({ length }) => length <= fresh.length,
    ).catch(() => atRest(scene));

    const exitCode = await kartad.stop();
    const leakedProcesses = [...kartad.orphans, ...leftBehind([home.folder, home.state])];
    const stored = readStore(scene.state);
    const temp = path.join(scene.state, "tmp");
    return {
      ledger,
      logs,
      stored,
      tally,
      owedEnds,
      leakedProcesses,
      findings: checkBooks(ledger, logs, stored),
      leakedDescriptors: more(after, fresh),
      leftTemp: existsSync(temp) ? readdirSync(temp) : [],
      exitCode,
      away: kartad.awayMs / 1000,
      failedStarts: kartad.failedStarts,
      bugs: scene
        .log()
        .split("\n")
        .filter((line) => BUGS.test(line)),
      folder: home.folder,
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    tally.stop();
    await scene.remove();
  }
}

/** What the first has more of. */
function more(after: readonly string[], before: readonly string[]): string[] {
  const rest = [...before];
  return after.filter((kind) => {
    const place = rest.indexOf(kind);
    if (place >= 0) rest.splice(place, 1);
    return place < 0;
  });
}

/** What kartad holds open, without the three pipes of each agent. Where agents still hold sessions it is at work. */
async function atRest({ home, kartad }: Scene): Promise<string[]> {
  const { processes } = await until(
    30,
    "agents live on",
    () => home.operator.status(),
    (status) => status.processes.every(({ session_id }) => session_id === null),
  );
  const { pid } = await kartad.ready();
  const held = descriptorsOf(pid).sort();
  let pipes = 3 * processes.length;
  return held.filter((kind) => kind !== "socket" || (pipes -= 1) < 0);
}
