/** kartad: argv and environment in, a running daemon out. The only file of the daemon that ends the process. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { KartaError, systemErrorCode } from "../shared/errors.ts";
import { DAEMON_EXIT, type DaemonExit } from "../shared/exit-codes.ts";
import { packageVersion } from "../shared/paths.ts";
import { ConfigError, isLoopback, readConfig, USAGE, type Config } from "./config.ts";
import { ForeignSocketError, NotASocketError, SocketLiveError } from "./control/socket.ts";
import { startDaemon, type Daemon } from "./daemon.ts";
import { lookOnce } from "./doctor.ts";
import { PortTakenError } from "./http/listen.ts";
import { UnsafeBindError } from "./keys/authenticator.ts";
import { SecretFileError } from "./keys/secret-file.ts";
import { AlreadyLockedError, InstanceLock, LockUnusableError } from "./instance-lock.ts";
import { isJournal } from "./log/journal.ts";
import { Log, type StandardError } from "./log.ts";
import { repairStore, restoreStore } from "./maintenance.ts";
import { closeOwnFolder, UnsafeFolderError } from "./ownership.ts";
import { InheritedSocketError } from "./socket-activation.ts";
import { StoreCorruptError } from "./store/corruption.ts";
import { StoreNewerError } from "./store/store.ts";

/** One line, then the end. */
function die(exit: DaemonExit, message: string): never {
  process.stderr.write(`kartad: ${exit}: ${message}\n`);
  process.exit(DAEMON_EXIT[exit]);
}

function print(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function exitFor(error: unknown): DaemonExit {
  if (error instanceof ConfigError || error instanceof InheritedSocketError) return "bad_config";
  if (error instanceof PortTakenError) return "port_taken";
  if (error instanceof AlreadyLockedError || error instanceof SocketLiveError) return "already_running";
  if (error instanceof StoreNewerError) return "store_newer";
  if (error instanceof UnsafeBindError) return "unsafe_bind";
  if (error instanceof NotASocketError || error instanceof ForeignSocketError) return "state_unwritable";
  if (error instanceof UnsafeFolderError || error instanceof SecretFileError) return "state_unwritable";
  if (error instanceof LockUnusableError) return "state_unwritable";
  if (error instanceof StoreCorruptError) return "store_corrupt";
  if (error instanceof KartaError && error.code === "storage_unavailable") return "state_unwritable";
  switch (systemErrorCode(error)) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ENOTDIR":
    case "ENOSPC":
      return "state_unwritable";
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "bad_config";
    default:
      return "failed";
  }
}

/** @returns whether it was open to others until now @throws UnsafeFolderError */
function takeStateFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    die(
      "state_unwritable",
      `the state folder ${folder} cannot be written (${reason}); set KARTA_HOME to one that can`,
    );
  }
  return closeOwnFolder(folder, "KARTA_HOME");
}

/** First signal drains, a second one quits at once; the guard then ends the children. */
function stopOnSignals(stop: () => void, log: Log): void {
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) {
        log.close();
        process.exit(DAEMON_EXIT.forced);
      }
      log.logger.info({ signal }, "stopping: running turns may finish; again to quit at once");
      stop();
    });
  }
}

/** In a service of systemd it is the journal's, beside the file too: there its lines have priorities. */
function standardError({ log, foreground, env }: Config): StandardError {
  if (log === "journal") return "journal";
  if (!foreground) return "nothing";
  return isJournal(env.JOURNAL_STREAM) ? "journal" : "readable";
}

/** What reads kartad's lines out of the journal; null where nobody is known to have put them there. */
function journalCommand({ service, env }: Config): string | null {
  if (service === "system") return "journalctl -u kartad";
  if (service === "user") return "journalctl --user -u kartad";
  return isJournal(env.JOURNAL_STREAM) ? `journalctl _PID=${process.pid}` : null;
}

async function run(config: Config): Promise<void> {
  const wasOpen = takeStateFolder(config.stateHome);
  const lock = InstanceLock.acquire(config.stateHome);
  const log = await Log.open({
    stateHome: config.stateHome,
    level: config.logLevel,
    toFile: config.log === "file",
    standardError: standardError(config),
    elsewhere: journalCommand(config),
    env: config.env,
  });

  let daemon: Daemon | null = null;
  const stopRequested = new AbortController();
  const stop = (): void => {
    // While it starts, the wish is kept; `Daemon.stop` itself may be called again.
    stopRequested.abort();
    void daemon?.stop().then(
      () => finish("stopped"),
      (error: unknown) => {
        log.logger.fatal({ err: error }, "kartad did not stop cleanly");
        finish("failed");
      },
    );
  };
  const finish = (exit: DaemonExit): never => {
    log.logger.info("stopped");
    log.close();
    lock.release();
    process.exit(DAEMON_EXIT[exit]);
  };
  stopOnSignals(stop, log);
  process.on("uncaughtException", (error) => {
    log.logger.fatal({ err: error }, "a bug in kartad; it ends now and can be started again");
    log.close();
    process.exit(DAEMON_EXIT.failed);
  });

  // Said first, so that nobody takes a script's words for a model's (spec: offline-model).
  if (config.offline) log.logger.warn("offline model: scripted replies");
  if (wasOpen)
    log.logger.warn(
      { folder: config.stateHome },
      "the state folder was open to other users; it is kartad's alone now (mode 0700)",
    );
  try {
    daemon = await startDaemon({ config, log, onStopRequested: stop });
  } catch (error) {
    const exit = exitFor(error);
    // What has a name needs one line, and `die` writes it; only a bug needs its stack.
    if (exit === "failed") log.logger.fatal({ err: error }, "kartad did not start");
    else log.logger.debug({ err: error, exit }, "kartad did not start");
    log.close();
    die(exit, error instanceof Error ? error.message : String(error));
  }
  if (stopRequested.signal.aborted) {
    stop();
    return;
  }
  const { logger } = log;
  logger.info(`Karta ${packageVersion()} listens on ${daemon.url}`);
  if (!isLoopback(config.host))
    logger.warn("others reach this address, and it speaks plain HTTP: keys and words can be read on the way");
  if (!config.offline) {
    if (daemon.credential === "none") {
      logger.warn(
        "no model credential was found: turns answer 503 until there is one; or start with --offline",
      );
    } else logger.info(`model credential: ${daemon.credential}`);
  }
  const names = daemon.projects.all.map(({ row }) => row.name);
  if (names.length === 0) logger.info("next: karta project add DIR NAME");
  else logger.info(`projects: ${names.join(", ")}; try: karta chat ${names[0] ?? ""}`);
}

try {
  const command = readConfig(process.argv.slice(2), process.env);
  switch (command.kind) {
    case "help":
      process.stdout.write(USAGE);
      break;
    case "version":
      process.stdout.write(`kartad ${packageVersion()}\n`);
      break;
    case "doctor":
      print(await lookOnce(command.config));
      break;
    case "repair":
      takeStateFolder(command.config.stateHome);
      print(await repairStore(command.config.stateHome));
      break;
    case "restore":
      takeStateFolder(command.config.stateHome);
      print(await restoreStore(command.config.stateHome, command.file));
      break;
    case "run":
      await run(command.config);
  }
} catch (error) {
  die(exitFor(error), error instanceof Error ? error.message : String(error));
}
