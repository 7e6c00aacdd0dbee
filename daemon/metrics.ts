/**
 * What /metrics shows. States are read when somebody asks; only turns are counted as they go by, off the event feed.
 * A label is a project's name or a word of ours: never a session, a text or a secret.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type LabelValues } from "prom-client";
import type { Apps } from "./apps/apps.ts";
import type { Feed } from "./events/feed.ts";
import type { Pool } from "./pool/pool.ts";
import type { PooledProcess } from "./pool/pooled-process.ts";
import type { GroupMemory } from "./process/memory.ts";
import type { SessionService } from "./sessions/service.ts";
import { TurnMeter } from "./turn-meter.ts";

export interface MetricsSources {
  readonly version: string;
  readonly pool: Pool;
  readonly apps: Pick<Apps, "all">;
  readonly memory: GroupMemory;
  readonly sessions: SessionService;
  readonly feed: Feed;
  /** Active sessions of each project. */
  readonly countSessions: () => Promise<ReadonlyMap<string, number>>;
  /** Milliseconds of the pool's clock. */
  readonly now: () => number;
}

/** Seconds. A warm start takes a second or two, a cold one some more, a slow model ten and up. */
const FIRST_TEXT_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 15, 30, 60];

/** Samples of one metric; those with equal labels are added up. */
type Samples<L extends string> = Iterable<readonly [LabelValues<L>, number]>;
type Read<L extends string> = () => Samples<L> | Promise<Samples<L>>;

/** Each process group once, however many conversations it holds. */
function groupsOf(processes: readonly PooledProcess[]): { project: string; groupId: number }[] {
  const groups = new Map<number, { project: string; groupId: number }>();
  for (const { project, agent } of processes) {
    const groupId = agent?.process.pid ?? null;
    if (groupId !== null) groups.set(groupId, { project, groupId });
  }
  return [...groups.values()];
}

/** Owner: the composition root. Freed by `close()`. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #meter: TurnMeter;
  #hasNodeMetrics = false;

  constructor(sources: MetricsSources) {
    const { feed } = sources;
    this.#add(Gauge, "karta_info", "The version that runs", ["version"], () => [
      [{ version: sources.version }, 1],
    ]);
    this.#addPool(sources);
    this.#addSessions(sources);
    this.#addApps(sources);
    this.#meter = this.#measureTurns(sources);
    this.#add(Gauge, "karta_event_watchers", "Readers of event feeds", [], () => [[{}, feed.size - 1]]); // not our own
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The page, in Prometheus' text format. */
  async text(): Promise<string> {
    if (!this.#hasNodeMetrics) {
      // Node's own include a sampler of the event loop: it runs from the first time that somebody looks.
      collectDefaultMetrics({ register: this.#registry });
      this.#hasNodeMetrics = true;
    }
    return this.#registry.metrics();
  }

  close(): void {
    this.#meter.close();
    this.#registry.clear();
  }

  #addPool({ pool, memory, now }: MetricsSources): void {
    const { counters } = pool;
    this.#add(
      Gauge,
      "karta_pool_processes",
      "Places in the pool: a conversation or a spare each",
      ["state", "project"],
      () => pool.processes.map(({ state, project }) => [{ state, project }, 1]),
    );
    this.#add(
      Gauge,
      "karta_pool_resident_bytes",
      "Memory of agent processes and their children",
      ["project"],
      () => groupsOf(pool.processes).map(({ project, groupId }) => [{ project }, memory.of(groupId) ?? 0]),
    );
    this.#add(Gauge, "karta_pool_waiting", "Turns that wait for a process", [], () => [[{}, pool.waiting]]);
    this.#add(
      Gauge,
      "karta_pool_lanes_backing_off",
      "Launch options whose starts failed and wait before the next",
      ["project"],
      () =>
        pool.lanes
          .filter((lane) => lane.blockedMs(now()) > 0)
          .map(({ request }) => [{ project: request.launch.project }, 1]),
    );
    this.#add(
      Counter,
      "karta_pool_starts_total",
      "Sessions that got a process: a spare, or one started for them",
      ["kind"],
      () => [
        [{ kind: "warm" }, counters.warmStarts],
        [{ kind: "cold" }, counters.coldStarts],
      ],
    );
    this.#add(Counter, "karta_pool_evictions_total", "Idle sessions' processes that were ended", [], () => [
      [{}, counters.evictions],
    ]);
    this.#add(Counter, "karta_pool_crashes_total", "Agent processes that ended by themselves", [], () => [
      [{}, counters.crashes],
    ]);
    this.#add(
      Counter,
      "karta_pool_oversized_total",
      "Agent processes that were ended for the memory they held",
      [],
      () => [[{}, counters.oversized]],
    );
  }

  #addSessions({ sessions, countSessions }: MetricsSources): void {
    this.#add(Gauge, "karta_sessions", "Sessions that are not archived", ["project"], async () =>
      [...(await countSessions())].map(([project, count]) => [{ project }, count]),
    );
    this.#add(Gauge, "karta_turns_live", "Turns that have not ended", ["state"], () =>
      sessions.liveTurns.map(({ state }) => [{ state }, 1]),
    );
  }

  #addApps({ apps }: MetricsSources): void {
    const read = () => apps.all.map(([project, app]) => ({ project, ...app.status() }));
    const kinds = ["policies", "hooks", "tools"] as const;
    this.#add(Gauge, "karta_app_workers", "Processes of projects' own code", ["state", "project"], () =>
      read().map(({ project, state }) => [{ state, project }, 1]),
    );
    this.#add(Gauge, "karta_app_resident_bytes", "Memory of a worker and its children", ["project"], () =>
      read().map(({ project, rss_bytes }) => [{ project }, rss_bytes ?? 0]),
    );
    this.#add(
      Gauge,
      "karta_app_calls_live",
      "Calls of policies, hooks and tools that run or wait",
      ["kind", "project"],
      () =>
        read().flatMap(({ project, ...app }) =>
          kinds.map((kind) => [{ kind, project }, app[kind].running + app[kind].waiting] as const),
        ),
    );
    this.#add(
      Counter,
      "karta_app_calls_total",
      "Calls of policies, hooks and tools, by what came of them",
      ["kind", "outcome", "project"],
      () =>
        read().flatMap(({ project, ...app }) =>
          kinds.flatMap((kind) => {
            const { running: _running, waiting: _waiting, ...ended } = app[kind];
            return Object.entries(ended).map(
              ([outcome, count]) => [{ kind, outcome, project }, count] as const,
            );
          }),
        ),
    );
    this.#add(
      Counter,
      "karta_app_restarts_total",
      "Workers started in place of one that died, was stuck or had grown too big",
      ["project"],
      () => read().map(({ project, restarts }) => [{ project }, restarts]),
    );
  }

  #measureTurns({ feed, sessions, pool }: MetricsSources): TurnMeter {
    const registers = [this.#registry];
    const ended = new Counter({
      name: "karta_turns_total",
      help: "Turns that ended",
      labelNames: ["status", "project"],
      registers,
    });
    const failed = new Counter({
      name: "karta_turn_errors_total",
      help: "Turns that failed, by the error's code",
      labelNames: ["code", "project"],
      registers,
    });
    const firstText = new Histogram({
      name: "karta_time_to_first_token_seconds",
      help: "From a message's acceptance to its first text; start: the session's process was live, a spare was taken (warm), or one was started (cold)",
      labelNames: ["start"],
      buckets: FIRST_TEXT_BUCKETS,
      registers,
    });
    return new TurnMeter({
      feed,
      now: () => performance.now(),
      onFirstText: (sessionId, seconds) => {
        const start = pool.processes.find((held) => held.sessionId === sessionId)?.lentAs ?? null;
        if (start !== null) firstText.observe({ start }, seconds);
      },
      onEnd: (sessionId, ending) => {
        const project = sessions.projectOf(sessionId) ?? "";
        ended.inc({ status: ending.status, project });
        if (ending.status === "failed") failed.inc({ code: ending.code, project });
      },
    });
  }

  /** A metric whose samples are read anew each time somebody looks. */
  #add<L extends string>(
    Kind: typeof Gauge | typeof Counter,
    name: string,
    help: string,
    labelNames: readonly L[],
    read: Read<L>,
  ): void {
    const metric: Gauge<L> | Counter<L> = new Kind<L>({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: async () => {
        const samples = await read();
        metric.reset();
        for (const [labels, value] of samples) metric.inc(labels, value);
      },
    });
  }
}
