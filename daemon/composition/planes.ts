/** The two planes over the core: the world's on a TCP port, the operator's on a Unix socket. */
import { createServer } from "node:http";
import { packageVersion } from "../../shared/paths.ts";
import { isLoopback } from "../config.ts";
import { controlApp } from "../control/app.ts";
import { doctorReport } from "../doctor.ts";
import { orderedSource, sessionSource } from "../events/sources.ts";
import { publicApp, type PublicAppOptions, type SharedOptions } from "../http/app.ts";
import { closeServer } from "../http/close-server.ts";
import { createHttpServer } from "../http/listen.ts";
import { asksForWebSocket, WebSockets } from "../http/websocket.ts";
import type { Authenticator } from "../keys/authenticator.ts";
import { listenControl, listenPublic } from "../listeners.ts";
import type { Log } from "../log.ts";
import { Metrics } from "../metrics.ts";
import { servedProjects } from "../projects/served-projects.ts";
import { Conversations } from "../sessions/conversations.ts";
import { KeyedQueue } from "../sessions/keyed-queue.ts";
import { daemonStatus } from "../status.ts";
import { copyStore, stageRestore } from "../store/backup.ts";
import type { Store } from "../store/store.ts";
import type { ProcessServices } from "./process-services.ts";
import type { SessionServices } from "./session-services.ts";
import type { StartContext } from "./start-context.ts";

/** Everything below the planes. */
export interface Core extends ProcessServices, SessionServices {
  readonly store: Store;
  readonly authenticator: Authenticator;
  readonly log: Log;
  readonly isDraining: () => boolean;
  /** The control plane was asked to stop kartad. */
  readonly onStopRequested: () => void;
}

type SharedParts = Pick<PublicAppOptions, SharedOptions | "metrics">;

/** One set for both planes: a queue or a table of two would let the planes race each other. */
export function sharedParts({ secrets, now, elapsed, undo }: StartContext, core: Core): SharedParts {
  const { store, registry, projects, sessions, feed, pool, apps, memory, authenticator } = core;
  const metrics = new Metrics({
    version: packageVersion(),
    pool,
    apps,
    memory,
    sessions,
    feed,
    countSessions: () => store.sessions.countActive(),
    now: elapsed,
  });
  undo.defer(() => metrics.close());
  return {
    mask: secrets.mask,
    sessions,
    metrics,
    eventsOf: (sessionId) => sessionSource(store.events, feed, sessionId),
    projectExists: (name) => registry.find(name) !== null,
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
}

/** @returns the base URL. @throws PortTakenError, InheritedSocketError */
export async function openPublicPlane(
  { config, logger, undo }: StartContext,
  { registry, isDraining }: Core,
  shared: SharedParts,
): Promise<string> {
  const app = publicApp({
    ...shared,
    isDraining,
    version: packageVersion(),
    offline: config.offline,
    loopbackOnly: isLoopback(config.host),
    allowedOrigins: config.allowedOrigins,
    originsOf: (name) => registry.find(name)?.definition?.manifest.http.allowedOrigins ?? [],
    limits: config.limits,
    logger,
  });
  const server = createHttpServer(app, config.limits);
  const sockets = new WebSockets(server, app);
  const url = await listenPublic(server, config);
  undo.defer(() => closeServer(server, sockets));
  return url;
}

/** @param url the public plane's. @throws InheritedSocketError */
export async function openControlPlane(
  { config, logger, now, elapsed, undo }: StartContext,
  core: Core,
  shared: SharedParts,
  url: string,
): Promise<void> {
  const { store, registry, feed, harnesses, sandbox } = core;
  const version = packageVersion();
  const app = controlApp({
    ...shared,
    projects: registry,
    orderedEvents: (sessionId) => orderedSource(store.events, feed, sessionId),
    newestEventId: () => store.events.newestId(),
    projectOf: async (sessionId) => (await store.sessions.get(sessionId))?.project ?? "",
    log: core.log,
    status: daemonStatus({ ...core, version, url, config, startedAt: new Date(now()), now: elapsed }),
    doctor: () =>
      doctorReport({
        config,
        harnesses,
        sandbox,
        isSandboxUsed: registry.all.some(({ definition }) => definition?.manifest.runtime.sandbox),
        used: new Set(registry.all.flatMap(({ definition }) => definition?.harness ?? [])),
        url,
      }),
    copyStore: () => copyStore(config.stateHome),
    stageRestore: (source) => stageRestore(config.stateHome, source),
    stop: core.onStopRequested,
    version,
    maxBodyBytes: config.limits.max_body_bytes,
    logger,
  });
  const server = createServer({ shouldUpgradeCallback: asksForWebSocket }, app);
  const sockets = new WebSockets(server, app);
  await listenControl(server, config);
  undo.defer(() => closeServer(server, sockets));
}
