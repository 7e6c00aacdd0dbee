/** The `acp` harness: any agent that speaks the Agent Client Protocol over stdio, the known ones by a preset. */
import { RequestError } from "@agentclientprotocol/sdk";
import type { Logger } from "pino";
import { KartaError } from "../../../shared/errors.ts";
import type { ProcessSpawner } from "../../process/spawner.ts";
import type {
  AgentProcess,
  Availability,
  Harness,
  HarnessBinary,
  LaunchSpec,
  ProgramOwner,
  StartRequest,
  Transcript,
} from "../harness.ts";
import { AgentConnection } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import { agentEnvironment, describeAccess } from "./environment.ts";
import { mcpServersFor } from "./mcp-servers.ts";
import { PRESETS, type AcpType, type Preset } from "./presets.ts";
import { findProgram, type FoundProgram } from "./program.ts";
import { ProgramProbe } from "./probe.ts";
import { openConversation } from "./session-setup.ts";
import { SharedConnections, type Place } from "./shared-connections.ts";
import { messageOf } from "./turn-end.ts";

const READY_TIMEOUT_MS = 60_000;

export interface AcpOptions {
  /** The daemon's own environment. */
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** Karta's own, for generated configuration and for asking a program what it is. */
  readonly folder: string;
  /** The offline model's address for a project; null when kartad is not offline. */
  readonly offlineBaseUrl: ((project: string) => string) | null;
  readonly spawner: ProcessSpawner;
  readonly logger: Logger;
  /** How long an agent may take to be ready; a minute when left out. */
  readonly readyTimeoutMs?: number;
}

export class AcpHarness implements Harness {
  readonly type: AcpType;
  readonly #preset: Preset;
  readonly #options: AcpOptions;
  readonly #log: Logger;
  readonly #connections = new SharedConnections();
  readonly #probe: ProgramProbe;
  /** By project: the agents that it was seen to offer. */
  readonly #agents = new Map<string, readonly string[]>();

  constructor(type: AcpType, options: AcpOptions) {
    this.type = type;
    this.#preset = PRESETS[type];
    this.#options = options;
    this.#log = options.logger.child({ part: type });
    this.#probe = new ProgramProbe({ ...options, logger: this.#log });
  }

  availability(): Availability {
    const { offlineBaseUrl, daemonEnv } = this.#options;
    const { title, offline, commands } = this.#preset;
    if (commands.length > 0) {
      const found = this.#find(null, null);
      if (found.kind === "missing") return { kind: "unavailable", detail: found.detail };
    }
    if (offlineBaseUrl === null)
      return {
        kind: "available",
        credential: describeAccess(this.#preset, daemonEnv),
      };
    if (offline !== null) return { kind: "available", credential: "offline model: scripted replies" };
    return {
      kind: "unavailable",
      detail: `${title} speaks no model API that the offline model has; start kartad without --offline to run it`,
    };
  }

  binary(project: ProgramOwner | null): Promise<HarnessBinary> {
    const found = this.#find(project?.command ?? null, project?.folder ?? null);
    if (found.kind === "missing") return Promise.resolve({ kind: "missing", detail: found.detail });
    return this.#probe.ask(found.program);
  }

  ownAgents(project: string): readonly string[] {
    return this.#agents.get(project) ?? [];
  }

  transcript(): Promise<Transcript> {
    const { title } = this.#preset;
    return Promise.resolve({
      kind: "unreadable",
      detail: `${title} keeps its conversations to itself: the protocol tells one again only to a process that takes it up; GET …/events has what was said`,
    });
  }

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
      this.#agents.set(launch.project, opened.agents);
      const { sessionId: threadId, isNew } = opened;
      return new Conversation({ place, threadId, isNew, launch, title, priced: !offline, logger: this.#log });
    } catch (error) {
      const words = (await place?.connection.lastWords()) ?? null;
      await place?.release();
      throw this.#didNotStart(error, words);
    }
  }

  #find(command: readonly string[] | null, cwd: string | null): FoundProgram {
    return findProgram({
      preset: this.#preset,
      command: this.#preset.commands.length > 0 ? null : command,
      cwd,
      searchPath: this.#options.daemonEnv.PATH ?? "",
    });
  }

  /** Starts a process and shakes hands. Rejects when nothing of it is left. */
  async #open(launch: LaunchSpec, spawner: ProcessSpawner, opening: AbortSignal): Promise<AgentConnection> {
    const { daemonEnv, folder, offlineBaseUrl, readyTimeoutMs } = this.#options;
    const found = this.#find(launch.command, launch.cwd);
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
