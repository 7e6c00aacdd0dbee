/** Starts ACP agents: a place on a process that is there or a new one, and the conversation on it. Loaded with the first. */
import { RequestError, type McpServer } from "@agentclientprotocol/sdk";
import type { Logger } from "pino";
import { KartaError } from "../../../shared/errors.ts";
import { withLogContext } from "../../log/context.ts";
import { ownPlaces } from "../../process/sandbox.ts";
import type { ProcessSpawner } from "../../process/spawner.ts";
import type { AgentProcess, LaunchSpec, StartRequest, Transcript, TranscriptRequest } from "../harness.ts";
import type { AcpOptions } from "./acp-harness.ts";
import { AppTools } from "./app-tools.ts";
import { AgentConnection } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import { agentEnvironment } from "./environment.ts";
import { mcpServersFor } from "./mcp-servers.ts";
import { offeredAgents } from "./offered-agents.ts";
import type { Preset } from "./presets.ts";
import type { FoundProgram } from "./program.ts";
import { configPlaces } from "./opencode-config.ts";
import { openConversation } from "./session-setup.ts";
import { SharedConnections, unlessAborted, type Place } from "./shared-connections.ts";
import { conversationKey, TranscriptReader } from "./transcript-reader.ts";
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

interface OpenRequest {
  readonly launch: LaunchSpec;
  readonly spawner: ProcessSpawner;
  /** The tools of the only conversation that will be on it; null: they come with each conversation. */
  readonly tools: AppTools | null;
  readonly opening: AbortSignal;
}

/** Owner: the harness. */
export class AgentStarter {
  readonly #options: StarterOptions;
  readonly #preset: Preset;
  readonly #log: Logger;
  readonly #connections = new SharedConnections();
  readonly #reader: TranscriptReader;
  /** By `conversationKey`: those that a process has, or is about to take up. */
  readonly #held = new Map<string, Conversation | "starting">();

  /** @param options.logger the harness's own */
  constructor(options: StarterOptions) {
    this.#options = options;
    this.#preset = options.preset;
    this.#log = options.logger;
    this.#reader = new TranscriptReader({
      title: options.preset.title,
      authMethod: options.preset.authMethod,
      logger: options.logger,
      held: (conversation) => this.#held.get(conversation) ?? null,
      acquire: (launch, apart, signal) =>
        this.#connections.acquire(
          shareKey(launch, apart ? "read" : null),
          (opening) => this.#open({ launch, spawner: options.spawner, tools: null, opening }),
          signal,
        ),
    });
  }

  /** As `Harness.transcript`. */
  transcript(request: TranscriptRequest): Promise<Transcript> {
    return this.#reader.read(request);
  }

  /** As `Harness.start`. */
  async start(request: StartRequest): Promise<AgentProcess> {
    const { launch, thread } = request;
    if (thread.kind === "new") return this.#start(request);
    const key = conversationKey(launch.project, thread.threadId);
    await this.#reader.settled(key);
    this.#held.set(key, "starting");
    try {
      return await this.#start(request);
    } finally {
      if (this.#held.get(key) === "starting") this.#held.delete(key);
    }
  }

  async #start({ launch, thread, spawner, signal }: StartRequest): Promise<AgentProcess> {
    const { title, isOpenCode } = this.#preset;
    const limited = AbortSignal.any([
      signal,
      AbortSignal.timeout(this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS),
    ]);
    let place: Place | null = null;
    let tools: AppTools | null = null;
    try {
      tools = await AppTools.open(this.#options.tools, launch.tools);
      const ofProcess = isOpenCode ? tools : null;
      place = await this.#connections.acquire(
        // OpenCode has one set of MCP servers for all that is on the process: only alone it is known who calls.
        shareKey(launch, ofProcess?.endpoint.key ?? null),
        (opening) => this.#open({ launch, spawner, tools: ofProcess, opening }),
        limited,
      );
      const { connection } = place;
      const offline = this.#options.offlineBaseUrl !== null;
      const setup = {
        connection,
        launch,
        servers: this.#serversFor(launch, connection, tools),
        title,
        authMethod: this.#preset.authMethod,
        choosesModel: !offline,
      };
      const opened = await openConversation({ ...setup, thread, signal: limited });
      this.#options.onOpened(launch.project, {
        agents: offeredAgents(this.#preset.modes, opened.agents),
        takesImages: connection.traits?.takesImages ?? false,
      });
      // OpenCode connects to its servers on the side: a turn that comes first would do without them.
      if (ofProcess !== null) await unlessAborted(ofProcess.listed, limited);
      const { sessionId: threadId, isNew } = opened;
      const key = conversationKey(launch.project, threadId);
      const conversation: Conversation = new Conversation({
        place,
        threadId,
        isNew,
        launch,
        kept: this.#options.kept,
        title,
        priced: !offline,
        tools,
        tellAgain: async (until) => {
          await openConversation({
            ...setup,
            thread: { kind: "resume", threadId },
            tellsAgain: true,
            signal: until,
          });
        },
        onEnd: () => {
          if (this.#held.get(key) === conversation) this.#held.delete(key);
        },
        logger: this.#log,
      });
      this.#held.set(key, conversation);
      return conversation;
    } catch (error) {
      const words = (await place?.connection.lastWords()) ?? null;
      tools?.close();
      await place?.release();
      throw this.#didNotStart(error, words);
    }
  }

  /** What OpenCode has in its configuration is not given to it again. */
  #serversFor(launch: LaunchSpec, connection: AgentConnection, tools: AppTools | null): McpServer[] {
    if (this.#preset.isOpenCode) return [];
    const takes = connection.traits?.mcp ?? { http: false, sse: false };
    const { servers, leftOut } = mcpServersFor(launch.mcpServers, launch.env, takes);
    if (leftOut.length > 0)
      this.#log.warn({ project: launch.project, left_out: leftOut }, "MCP servers were not handed on");
    return tools === null ? servers : [...servers, tools.server(takes.http)];
  }

  /** Starts a process and shakes hands. Rejects when nothing of it is left. */
  async #open({ launch, spawner, tools, opening }: OpenRequest): Promise<AgentConnection> {
    const { daemonEnv, folder, offlineBaseUrl, readyTimeoutMs, matesGraceMs } = this.#options;
    const found = this.#options.find(launch);
    if (found.kind === "missing") throw new KartaError("harness_unavailable", found.detail);
    const { path: command, args } = found.program;
    const env = await agentEnvironment(launch, {
      preset: this.#preset,
      daemonEnv,
      offlineBaseUrl: offlineBaseUrl?.(launch.project) ?? null,
      folder,
      tools,
      kept: this.#options.kept,
    });
    opening.throwIfAborted();
    const process = spawner.spawn({
      purpose: "harness",
      command,
      args,
      cwd: launch.cwd,
      env,
      tempVariables: ["TMPDIR"],
      sandbox: launch.sandbox ? [...ownPlaces(launch), ...configPlaces(env)] : undefined,
    });
    const { mask } = this.#options;
    // It serves others too, and longer than whoever it is started for.
    const connection = withLogContext(
      { project: launch.project },
      () => new AgentConnection({ process, cwd: launch.cwd, logger: this.#log, mask, matesGraceMs }),
    );
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

/** Conversations of one process may differ in agent and model alone. @param apart what keeps it from others; null: nothing */
function shareKey({ agent, model, ...rest }: LaunchSpec, apart: string | null): string {
  return JSON.stringify([rest, apart]);
}
