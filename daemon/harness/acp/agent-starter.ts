/** Starts ACP agents: a place on a process that is there or a new one, and the conversation on it. Loaded with the first. */
import { RequestError } from "@agentclientprotocol/sdk";
import type { Logger } from "pino";
import { KartaError } from "../../../shared/errors.ts";
import type { ProcessSpawner } from "../../process/spawner.ts";
import type { AgentProcess, LaunchSpec, StartRequest } from "../harness.ts";
import type { AcpOptions } from "./acp-harness.ts";
import { AgentConnection } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import { agentEnvironment } from "./environment.ts";
import { mcpServersFor } from "./mcp-servers.ts";
import type { Preset } from "./presets.ts";
import type { FoundProgram } from "./program.ts";
import { openConversation } from "./session-setup.ts";
import { SharedConnections, type Place } from "./shared-connections.ts";
import { messageOf } from "./turn-end.ts";

const READY_TIMEOUT_MS = 60_000;

/** What an agent was seen to offer in a project. */
export interface AgentOffer {
  /** Names of its own agents, besides those in the folder's files. */
  readonly agents: readonly string[];
  readonly takesImages: boolean;
}

export interface StarterOptions extends AcpOptions {
  readonly preset: Preset;
  /** The program of a launch. */
  readonly find: (launch: LaunchSpec) => FoundProgram;
  /** A conversation was opened: what its agent offers. */
  readonly onOpened: (project: string, offer: AgentOffer) => void;
}

/** Owner: the harness. */
export class AgentStarter {
  readonly #options: StarterOptions;
  readonly #preset: Preset;
  readonly #log: Logger;
  readonly #connections = new SharedConnections();

  /** @param options.logger the harness's own */
  constructor(options: StarterOptions) {
    this.#options = options;
    this.#preset = options.preset;
    this.#log = options.logger;
  }

  /** As `Harness.start`. */
  async start({ launch, thread, spawner, signal }: StartRequest): Promise<AgentProcess> {
    const { title } = this.#preset;
    const limited = AbortSignal.any([
      signal,
      AbortSignal.timeout(this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS),
    ]);
    let place: Place | null = null;
    try {
      place = await this.#connections.acquire(
        shareKey(launch),
        (opening) => this.#open(launch, spawner, opening),
        limited,
      );
      const { connection } = place;
      const { servers, leftOut } = mcpServersFor(
        this.#preset.isOpenCode ? {} : launch.mcpServers, // it has them in its configuration
        launch.env,
        connection.traits?.mcp ?? { http: false, sse: false },
      );
      if (leftOut.length > 0)
        this.#log.warn({ project: launch.project, left_out: leftOut }, "MCP servers were not handed on");
      const offline = this.#options.offlineBaseUrl !== null;
      const opened = await openConversation({
        connection,
        launch,
        thread,
        servers,
        title,
        signal: limited,
        choosesModel: !offline,
      });
      this.#options.onOpened(launch.project, {
        agents: opened.agents,
        takesImages: connection.traits?.takesImages ?? false,
      });
      const { sessionId: threadId, isNew } = opened;
      return new Conversation({ place, threadId, isNew, launch, title, priced: !offline, logger: this.#log });
    } catch (error) {
      const words = (await place?.connection.lastWords()) ?? null;
      await place?.release();
      throw this.#didNotStart(error, words);
    }
  }

  /** Starts a process and shakes hands. Rejects when nothing of it is left. */
  async #open(launch: LaunchSpec, spawner: ProcessSpawner, opening: AbortSignal): Promise<AgentConnection> {
    const { daemonEnv, folder, offlineBaseUrl, readyTimeoutMs } = this.#options;
    const found = this.#options.find(launch);
    if (found.kind === "missing") throw new KartaError("harness_unavailable", found.detail);
    const { path: command, args } = found.program;
    const env = await agentEnvironment(launch, {
      preset: this.#preset,
      daemonEnv,
      offlineBaseUrl: offlineBaseUrl?.(launch.project) ?? null,
      folder,
    });
    opening.throwIfAborted();
    const process = spawner.spawn({ purpose: "harness", command, args, cwd: launch.cwd, env });
    const connection = new AgentConnection({ process, cwd: launch.cwd, logger: this.#log });
    try {
      const limit = AbortSignal.timeout(readyTimeoutMs ?? READY_TIMEOUT_MS);
      await connection.initialize(AbortSignal.any([opening, limit]));
      return connection;
    } catch (error) {
      const words = await connection.lastWords();
      await connection.stop(0);
      throw this.#didNotStart(error, words);
    }
  }

  /** @param words the last that it said of itself, where it ended; null: the error says more */
  #didNotStart(error: unknown, words: string | null): KartaError {
    if (error instanceof KartaError) return error;
    this.#log.warn({ err: error, words }, "an agent did not start");
    const { title, credentials } = this.#preset;
    const why = error instanceof RequestError ? messageOf(error) : (words ?? messageOf(error));
    const needsKey = error instanceof RequestError && error.code === -32_000 && credentials.length > 0;
    const next = needsKey ? `; start kartad with one of ${credentials.join(", ")}` : "";
    return new KartaError("harness_unavailable", `${title} did not start: ${why}${next}`, {
      cause: error,
      retryAfterSeconds: 5,
    });
  }
}

/** Conversations of one process may differ in agent and model alone. */
function shareKey({ agent, model, ...rest }: LaunchSpec): string {
  return JSON.stringify(rest);
}
