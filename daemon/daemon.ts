/** The composition root: builds every service, starts and stops them in order. The only file that sees all. */
import { createServer } from "node:http";
import { packageVersion } from "../shared/paths.ts";
import { Apps } from "./apps/apps.ts";
import { checkEntryPoint } from "./apps/check-entry-point.ts";
import { makeSandbox, openSpawner, readingOf } from "./children.ts";
import { isLoopback, type Config } from "./config.ts";
import { configuredHarnesses } from "./configured-harnesses.ts";
import { controlApp } from "./control/app.ts";
import { doctorReport } from "./doctor.ts";
import { Feed } from "./events/feed.ts";
import { EventLog } from "./events/log.ts";
import { EventRetention } from "./events/retention.ts";
import { orderedSource, sessionSource } from "./events/sources.ts";
import { ToolGateway } from "./harness/tool-gateway.ts";
import { publicApp } from "./http/app.ts";
import { closeServer } from "./http/close-server.ts";
import { createHttpServer } from "./http/listen.ts";
import { asksForWebSocket, WebSockets } from "./http/websocket.ts";
import { Authenticator } from "./keys/authenticator.ts";
import { listenControl, listenPublic, prepareControl } from "./listeners.ts";
import type { Log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { OfflineModel } from "./offline-model/server.ts";
import { Pool } from "./pool/pool.ts";
import { GroupMemory } from "./process/memory.ts";
import { readProject } from "./projects/read-project.ts";
import { ProjectRegistry } from "./projects/registry.ts";
import { servedProjects } from "./projects/served-projects.ts";
import { sessionProjects } from "./projects/session-projects.ts";
import { Workspaces } from "./projects/workspace.ts";
import { Conversations } from "./sessions/conversations.ts";
import { KeyedQueue } from "./sessions/keyed-queue.ts";
import { endBrokenTurns } from "./sessions/recovery.ts";
import { SessionService } from "./sessions/service.ts";
import { daemonStatus } from "./status.ts";
import { applyStaged, copyStore, stageRestore } from "./store/backup.ts";
import { Store } from "./store/store.ts";

export interface Daemon {
  /** The public plane's base URL. */
  readonly url: string;
  readonly projects: ProjectRegistry;
  /** What harnesses will use to reach a model, in words. */
  readonly credential: string;
  /**
   * Stops in order: no new turns, the running ones finish within the configured drain, processes end, the store closes.
   * Calling it again gives the same promise.
   */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly config: Config;
  readonly log: Log;
  /** The control plane was asked to stop kartad. */
  readonly onStopRequested: () => void;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Starts kartad. What was started is stopped again when a later step fails.
 * @throws StoreNewerError, StoreCorruptError, PortTakenError, SocketLiveError, NotASocketError, InheritedSocketError,
 *   UnsafeBindError, SecretFileError
 */
export async function startDaemon({ config, log, onStopRequested }: DaemonOptions): Promise<Daemon> {
  const { logger } = log;
  const now = () => Date.now();
  const version = packageVersion();
  /** Undone in reverse order, by `stop` or by a start that fails. */
  const undo: (() => Promise<void> | void)[] = [];
  const unwind = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };

  try {
    await prepareControl(config);
    const kept = await applyStaged(config.stateHome, new Date(now()));
    if (kept !== null) logger.warn({ kept }, "a backup took the store's place; the old store is kept");
    const store = await Store.open(config.stateHome);
    undo.push(() => store.close());
    const projectExists = (name: string): boolean => registry.find(name) !== null;
    const authenticator = await Authenticator.open({
      store: store.keys,
      stateHome: config.stateHome,
      bind: { host: config.host, isLoopback: isLoopback(config.host), insecure: config.insecure },
      projectExists,
      logger,
      now,
    });

    const offlineModel = new OfflineModel({ logger: logger.child({ part: "offline-model" }) });
    if (config.offline) {
      await offlineModel.start();
      undo.push(() => offlineModel.stop());
    }

    const sandbox = makeSandbox(config, () => registry.all.map(({ row }) => row.path));
    const spawner = await openSpawner(config, sandbox, logger);
    undo.push(() => spawner.stopAll());
    const tools = new ToolGateway({ logger });
    undo.push(() => tools.stop());
    const memory = new GroupMemory();
    const pool = new Pool({
      spawner,
      logger,
      now,
      maxProcesses: config.maxProcesses,
      memoryOf: (groupId) => memory.of(groupId),
      maxProcessBytes: config.maxProcessBytes,
    });
    undo.push(() => pool.stop());

    const harnesses = configuredHarnesses({
      config,
      offlineModelUrl: (project) => offlineModel.baseUrl(project),
      spawner,
      tools,
      logger,
    });
    const apps = new Apps({ spawner, logger, now, memory, maxProcessBytes: config.maxProcessBytes });
    undo.push(() => apps.stop());
    const workspaces = new Workspaces({ stateHome: config.stateHome, spawner, logger, baseEnv: config.env });
    const registry = new ProjectRegistry({
      store: store.projects,
      stateHome: config.stateHome,
      logger,
      now,
      read: (folder) => readProject(folder, readingOf(config, sandbox)),
      checkEntryPoint: (definition, home) =>
        definition.manifest.entryPoint === null
          ? Promise.resolve(null)
          : checkEntryPoint({
              root: definition.root,
              entryPoint: definition.manifest.entryPoint,
              boundEnv: definition.appEnv,
              context: { agents: definition.agents, skills: definition.skills },
              baseEnv: config.env,
              home,
              spawner,
              sandbox: definition.manifest.runtime.sandbox,
            }),
      harnessProgram: (type, project) => harnesses[type].binary(project),
      onScript: (project, script) => offlineModel.setScript(project, script),
      onApp: (project, app) => apps.use(project, app),
      workerOf: (project) => apps.find(project)?.status() ?? null,
      onReady: (project) => {
        const ready = projects.find(project);
        if (ready) void pool.dropSpares(project).then(() => sessions.prepare(ready));
      },
      onRemove: async (project) => {
        await sessions.endProject(project);
        await apps.remove(project);
        await workspaces.discardProject(project);
        offlineModel.removeScript(project);
      },
      countSessions: () => store.sessions.countActive(),
    });

    const feed = new Feed();
    const events = new EventLog({ events: store.events, feed, logger, now });
    await endBrokenTurns({ turns: store.turns, events: store.events, log: events, logger, now });
    const projects = sessionProjects({
      registry,
      workspaces,
      apps,
      harnessOf: (type) => harnesses[type],
      sandboxProblem: () => sandbox.problem(),
    });
    const sessions = new SessionService({
      sessions: store.sessions,
      turns: store.turns,
      participants: store.participants,
      events: store.events,
      log: events,
      pool,
      projects,
      logger,
      now,
    });
    const metrics = new Metrics({
      version,
      pool,
      apps,
      memory,
      sessions,
      feed,
      countSessions: () => store.sessions.countActive(),
      now,
    });
    undo.push(() => metrics.close());
    await registry.start();

    let draining = false;
    const families = {
      sessions,
      metrics,
      eventsOf: (sessionId: string) => sessionSource(store.events, feed, sessionId),
      projectExists,
      authenticator,
      served: servedProjects(registry, projects),
      conversations: new Conversations({
        sessions,
        conversations: store.conversations,
        turns: store.turns,
        now,
      }),
      responses: store.responses,
      sessionOrder: new KeyedQueue(),
    };
    const app = publicApp({
      ...families,
      isDraining: () => draining,
      version,
      offline: config.offline,
      loopbackOnly: isLoopback(config.host),
      allowedOrigins: config.allowedOrigins,
      originsOf: (name) => registry.find(name)?.definition?.manifest.http.allowedOrigins ?? [],
      limits: config.limits,
      logger,
    });
    const publicServer = createHttpServer(app, config.limits);
    const sockets = new WebSockets(publicServer, app);
    const url = await listenPublic(publicServer, config);
    undo.push(() => closeServer(publicServer, sockets));

    const operatorsApp = controlApp({
      ...families,
      projects: registry,
      orderedEvents: (sessionId) => orderedSource(store.events, feed, sessionId),
      newestEventId: () => store.events.newestId(),
      projectOf: async (sessionId) => (await store.sessions.get(sessionId))?.project ?? "",
      log,
      status: daemonStatus({
        version,
        url,
        config,
        registry,
        sessions,
        pool,
        apps,
        memory,
        store,
        startedAt: now(),
        now,
      }),
      doctor: () =>
        doctorReport({
          config,
          harnesses,
          sandbox,
          used: new Set(registry.all.flatMap(({ definition }) => definition?.harness ?? [])),
          isSandboxUsed: registry.all.some(({ definition }) => definition?.manifest.runtime.sandbox),
          url,
        }),
      copyStore: () => copyStore(config.stateHome),
      stageRestore: (source) => stageRestore(config.stateHome, source),
      stop: onStopRequested,
      version,
      maxBodyBytes: config.limits.max_body_bytes,
      logger,
    });
    const controlServer = createServer({ shouldUpgradeCallback: asksForWebSocket }, operatorsApp);
    const operatorsSockets = new WebSockets(controlServer, operatorsApp);
    await listenControl(controlServer, config);
    undo.push(() => closeServer(controlServer, operatorsSockets));

    const retention = new EventRetention({
      events: store.events,
      keepEvents: config.retentionEvents,
      keepMs: config.retentionDays * DAY_MS,
      unfinishedFrom: (sessionId) => sessions.unfinishedFrom(sessionId),
      logger: logger.child({ part: "events" }),
      now,
    });
    retention.start();
    undo.push(() => retention.stop());

    let stopping: Promise<void> | null = null;
    const availability = harnesses["claude-code"].availability();
    return {
      url,
      projects: registry,
      credential: (availability.kind === "available" ? availability.credential : null) ?? "none",
      stop: () => {
        draining = true;
        stopping ??= sessions.drain(config.drainSeconds * 1000).then(unwind);
        return stopping;
      },
    };
  } catch (error) {
    await unwind();
    throw error;
  }
}
