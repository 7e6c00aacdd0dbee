/** A loopback model endpoint with scripted replies (spec: offline-model). */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createApp } from "./app.ts";
import { defaultScript, type OfflineScript } from "./script.ts";

/** Longer than any pause between a harness's requests in one turn, so that it never writes to a closing connection. */
const KEEP_ALIVE_MS = 300_000;

/** The part of a logger that this needs; pino's has it. */
export interface OfflineModelLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface OfflineModelOptions {
  readonly logger?: OfflineModelLogger;
}

const SILENT: OfflineModelLogger = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** Owner: the daemon. Anyone on this machine can ask it, and learns the script, which is no secret. */
export class OfflineModel {
  readonly #server: Server;
  readonly #logger: OfflineModelLogger;
  readonly #scripts = new Map<string, OfflineScript>();
  #stopped: Promise<void> | null = null;

  constructor({ logger = SILENT }: OfflineModelOptions = {}) {
    this.#logger = logger;
    const app = createApp({ findScript: (project) => this.#scripts.get(project) ?? null, logger });
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, app);
  }

  /** Listens on 127.0.0.1, on a port of the system's choice. @throws the socket's error */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    this.#logger.debug({ port: this.port }, "the offline model listens");
  }

  /** @throws Error when it is not listening */
  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === "string")
      throw new Error("the offline model is not listening");
    return address.port;
  }

  /** What a harness takes as its API's base address; OpenAI clients want `/v1` after it. @throws as `port` */
  baseUrl(projectRef: string): string {
    return `http://127.0.0.1:${this.port}/p/${encodeURIComponent(projectRef)}`;
  }

  /** Holds from the next request on. @param script null: the default reply alone */
  setScript(projectRef: string, script: OfflineScript | null): void {
    this.#scripts.set(projectRef, script ?? defaultScript);
  }

  /** Requests for the project fail from now on. */
  removeScript(projectRef: string): void {
    this.#scripts.delete(projectRef);
  }

  /** Breaks every connection off, streams in the middle of a reply too. May be called twice, and without a start. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#stopped;
  }
}
