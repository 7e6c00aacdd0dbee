/** The composition root: starts the services in order, and undoes them in reverse. With `composition/` the only place that sees all. */
import { openControlPlane, openPublicPlane, sharedParts, type Core } from "./composition/planes.ts";
import { startProcessServices } from "./composition/process-services.ts";
import { startSessionServices } from "./composition/session-services.ts";
import type { StartContext } from "./composition/start-context.ts";
import { isLoopback, type Config } from "./config.ts";
import { EventRetention } from "./events/retention.ts";
import { Authenticator } from "./keys/authenticator.ts";
import { prepareControl } from "./listeners.ts";
import type { Log } from "./log.ts";
import type { ProjectRegistry } from "./projects/registry.ts";
import type { SessionService } from "./sessions/service.ts";
import { applyStaged } from "./store/backup.ts";
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
  const undo = new AsyncDisposableStack();
  const elapsed = (): number => performance.now();
  const context: StartContext = {
    config,
    logger,
    secrets: log.secrets,
    now: () => Date.now(),
    elapsed,
    undo,
  };

  try {
    await prepareControl(config);
    const store = await openStore(context);
    const authenticator = await Authenticator.open({
      store: store.keys,
      stateHome: config.stateHome,
      bind: { host: config.host, isLoopback: isLoopback(config.host), insecure: config.insecure },
      projectExists: (name) => core.registry.find(name) !== null,
      logger,
      now: context.now,
    });
    const processes = await startProcessServices(context);
    let draining = false;
    const core: Core = {
      ...processes,
      ...(await startSessionServices(context, store, processes)),
      store,
      authenticator,
      log,
      isDraining: () => draining,
      onStopRequested,
    };
    const shared = sharedParts(context, core);
    await core.registry.start();
    const url = await openPublicPlane(context, core, shared);
    await openControlPlane(context, core, shared, url);
    startRetention(context, store, core.sessions);

    let stopping: Promise<void> | null = null;
    const availability = core.harnesses["claude-code"].availability();
    return {
      url,
      projects: core.registry,
      credential: (availability.kind === "available" ? availability.credential : null) ?? "none",
      stop: () => {
        draining = true;
        stopping ??= core.sessions.drain(config.drainSeconds * 1000).then(() => undo.disposeAsync());
        return stopping;
      },
    };
  } catch (error) {
    await undo.disposeAsync().catch((failure: unknown) => {
      logger.error({ err: failure }, "what a start had begun was not all undone"); // its own error says more
    });
    throw error;
  }
}

/** The store, or the backup that was left to take its place. @throws StoreNewerError, StoreCorruptError */
async function openStore({ config, logger, now, undo }: StartContext): Promise<Store> {
  const kept = await applyStaged(config.stateHome, new Date(now()));
  if (kept !== null) logger.warn({ kept }, "a backup took the store's place; the old store is kept");
  const store = await Store.open(config.stateHome);
  undo.defer(() => store.close());
  return store;
}

function startRetention({ config, logger, now, undo }: StartContext, store: Store, sessions: SessionService) {
  const retention = new EventRetention({
    events: store.events,
    keepEvents: config.retentionEvents,
    keepMs: config.retentionDays * DAY_MS,
    unfinishedFrom: (sessionId) => sessions.unfinishedFrom(sessionId),
    logger: logger.child({ part: "events" }),
    now,
  });
  retention.start();
  undo.defer(() => retention.stop());
}
