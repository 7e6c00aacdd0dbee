/** What `karta status` shows. */
import type { Status } from "../shared/protocol/control.ts";
import type { Apps } from "./apps/apps.ts";
import type { Config } from "./config.ts";
import type { Pool } from "./pool/pool.ts";
import type { PooledProcess } from "./pool/pooled-process.ts";
import type { GroupMemory } from "./process/memory.ts";
import type { ProjectRegistry } from "./projects/registry.ts";
import type { SessionService } from "./sessions/service.ts";
import type { Store } from "./store/store.ts";

export interface StatusSources {
  readonly version: string;
  readonly url: string;
  readonly config: Config;
  readonly registry: ProjectRegistry;
  readonly sessions: SessionService;
  readonly pool: Pool;
  readonly apps: Apps;
  readonly memory: GroupMemory;
  readonly store: Store;
  readonly startedAt: Date;
  /** Milliseconds of the pool's clock, which only goes forward. */
  readonly now: () => number;
}

export function daemonStatus(sources: StatusSources): () => Promise<Status> {
  const { pool, apps, sessions, config, now, startedAt } = sources;
  const since = now();
  return async () => {
    const active = await sources.store.sessions.countActive();
    const own = process.memoryUsage();
    return {
      version: sources.version,
      pid: process.pid,
      started_at: startedAt.toISOString(),
      uptime_seconds: (now() - since) / 1000,
      url: sources.url,
      state_home: config.stateHome,
      offline: config.offline,
      service: config.service,
      projects: sources.registry.all.length,
      sessions: {
        active: [...active.values()].reduce((sum, count) => sum + count, 0),
        with_process: pool.processes.filter((held) => held.sessionId !== null).length,
        running_turns: sessions.liveTurns.filter((turn) => turn.state !== "queued").length,
      },
      processes: pool.processes.map((held) => processStatus(held, sources.memory, now())),
      pool: poolStatus(pool, config, now()),
      apps: apps.all.map(([project, app]) => ({ project, ...app.status() })),
      memory: { rss_bytes: own.rss, heap_used_bytes: own.heapUsed },
    };
  };
}

function processStatus(held: PooledProcess, memory: GroupMemory, now: number): Status["processes"][number] {
  const pid = held.agent?.process.pid ?? null;
  return {
    id: held.id,
    pid,
    state: held.state,
    project: held.project,
    session_id: held.sessionId,
    age_seconds: (now - held.startedAt) / 1000,
    turns: held.turns,
    rss_bytes: pid === null ? null : memory.of(pid),
  };
}

function poolStatus(
  { counters, lanes, waiting }: Pool,
  { maxProcesses }: Config,
  now: number,
): Status["pool"] {
  return {
    max_processes: maxProcesses,
    waiting,
    warm_starts: counters.warmStarts,
    cold_starts: counters.coldStarts,
    evictions: counters.evictions,
    crashes: counters.crashes,
    oversized: counters.oversized,
    backing_off: lanes
      .filter((lane) => lane.blockedMs(now) > 0)
      .map((lane) => ({
        project: lane.request.launch.project,
        failures: lane.failures,
        retry_in_seconds: lane.blockedMs(now) / 1000,
      })),
  };
}
