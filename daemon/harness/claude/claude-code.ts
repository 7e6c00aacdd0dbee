/** The `claude-code` harness, on the Agent SDK: the real binary, spawned through our own hook. */
import { randomUUID } from "node:crypto";
import type { Options } from "@anthropic-ai/claude-agent-sdk";
import type { Logger } from "pino";
import { KartaError } from "../../../shared/errors.ts";
import { maskShapes } from "../../../shared/secret-shapes.ts";
import { logContext, withLogContext } from "../../log/context.ts";
import { LastWords } from "../../process/last-words.ts";
import { logLines } from "../../process/log-lines.ts";
import type { ManagedProcess } from "../../process/process.ts";
import type {
  AgentProcess,
  Availability,
  Harness,
  HarnessBinary,
  LaunchSpec,
  StartRequest,
  Transcript,
  TranscriptRequest,
} from "../harness.ts";
import { AtMost } from "../at-most.ts";
import type { KeptPlaces } from "../kept-places.ts";
import { toolOptions, withToolNames } from "./app-tools.ts";
import { ClaudeProcess } from "./claude-process.ts";
import { describeCredential, NO_CREDENTIAL, type Credential } from "./credentials.ts";
import { denyRules, keepingHook, ownPaths } from "./deny-rules.ts";
import { childEnvironment, configDirOf } from "./environment.ts";
import { SpawnedAgent } from "./spawned.ts";
import { readHistory } from "./history.ts";
import { installedBinary } from "./installed-binary.ts";
import { sandboxPlaces } from "./sandbox-places.ts";
import { findTranscript, transcriptFolder } from "./transcripts.ts";

const READY_TIMEOUT_MS = 60_000;
/** A transcript is read whole, and may have tens of megabytes. */
const READS_AT_ONCE = 2;
/**
 * Claude Code's own name for its default behaviour. A conversation remembers its agent and takes it up again when it is
 * resumed without one, so going back to the default must be said (tried with 2.1.330: the request is then the same, byte
 * for byte, as that of a conversation that never had an agent).
 */
const DEFAULT_AGENT = "claude";
/** The same for the model: a resumed conversation keeps its last agent's. */
const DEFAULT_MODEL = "default";

export interface ClaudeCodeOptions {
  readonly credential: Credential;
  /** The daemon's own environment. */
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** Karta's own folder for Claude Code's transcripts. */
  readonly configDir: string;
  /** The offline model's address for a project; null when kartad is not offline. */
  readonly offlineBaseUrl: ((project: string) => string) | null;
  /** What no tool may touch. */
  readonly kept: KeptPlaces;
  readonly logger: Logger;
  /** Frees what the child prints of secrets; left out: of what looks like one. */
  readonly mask?: (text: string) => string;
}

export class ClaudeCode implements Harness {
  readonly type = "claude-code";
  readonly #options: ClaudeCodeOptions;
  readonly #log: Logger;
  readonly #reads = new AtMost(READS_AT_ONCE);

  constructor(options: ClaudeCodeOptions) {
    this.#options = options;
    this.#log = options.logger.child({ part: "claude-code" });
  }

  availability(): Availability {
    const { credential } = this.#options;
    if (credential.kind === "none") return { kind: "unavailable", detail: NO_CREDENTIAL };
    return { kind: "available", credential: describeCredential(credential) };
  }

  binary(): Promise<HarnessBinary> {
    return Promise.resolve(installedBinary());
  }

  ownAgents(): readonly string[] {
    return [];
  }

  takesImages(): boolean {
    return true;
  }

  get #configDir(): string {
    return configDirOf(this.#options.credential, this.#options.configDir);
  }

  async transcript({ threadId }: TranscriptRequest): Promise<Transcript> {
    const file = await findTranscript(this.#configDir, threadId);
    if (file === null) return { kind: "none" };
    return { kind: "read", entries: await this.#reads.run(() => readHistory(file, threadId)) };
  }

  async start({ launch, thread, spawner, signal }: StartRequest): Promise<AgentProcess> {
    const { credential, daemonEnv, configDir, offlineBaseUrl, kept, mask = maskShapes } = this.#options;
    const env = childEnvironment({
      launch,
      credential,
      daemonEnv,
      configDir,
      offlineBaseUrl: offlineBaseUrl?.(launch.project) ?? null,
    });
    // A thread whose process died before its first turn has no transcript: it begins anew under the same id.
    const resumable =
      thread.kind === "resume" && (await findTranscript(this.#configDir, thread.threadId)) !== null;
    const threadId = thread.kind === "resume" ? thread.threadId : randomUUID();

    const sandbox = launch.sandbox ? await sandboxPlaces(launch, credential, configDir) : undefined;
    const context = logContext();
    let child: ManagedProcess | null = null;
    let agent: ClaudeProcess | null = null;
    const words = new LastWords(mask);
    const options: Options = {
      ...launchOptions(launch, kept),
      hooks: keepingHook(kept, () => ({
        ...launch,
        own: ownPaths({
          ...launch,
          temp: child?.temp ?? null,
          configDir: this.#configDir,
          conversations: transcriptFolder(this.#configDir, launch.cwd),
          threadId,
        }),
      })),
      ...speakerOptions(launch, resumable ? (env.ANTHROPIC_MODEL ?? DEFAULT_MODEL) : null),
      ...(await toolOptions(
        launch,
        (call) => agent?.callTool(call) ?? Promise.resolve({ isError: true, content: "not ready" }),
      )),
      ...(resumable ? { resume: threadId } : { sessionId: threadId }),
      env,
      canUseTool: (tool, input, asked) =>
        agent?.canUseTool(tool, input, asked) ?? Promise.resolve({ behavior: "deny", message: "not ready" }),
      spawnClaudeCodeProcess: ({ command, args, cwd, env: childEnv }) => {
        child = spawner.spawn({
          purpose: "harness",
          command,
          args,
          cwd: cwd ?? launch.cwd,
          env: defined(childEnv),
          tempVariables: ["TMPDIR", "CLAUDE_CODE_TMPDIR"],
          sandbox,
        });
        // The SDK reads the standard error of children that it has spawned itself alone.
        child.stderr.on("data", (chunk: Buffer) => words.add(chunk));
        const { pid } = child;
        logLines(child.stderr, {
          log: (line) => withLogContext(agent?.logContext ?? context, () => this.#log.debug({ pid }, line)),
          dropped: (lines) =>
            this.#log.debug({ pid, lines }, "the agent prints too fast; lines were left out"),
          redact: mask,
          now: () => Date.now(),
        });
        if (signal.aborted) void child.stop(0);
        return new SpawnedAgent(child);
      },
    };
    const giveUp = (): void => void stopChild(child);
    signal.addEventListener("abort", giveUp);
    try {
      // Loaded with the first process: it would be a sixth of kartad's start, and of what an idle one holds.
      const { startup } = await import("@anthropic-ai/claude-agent-sdk");
      const warm = await startup({ options, initializeTimeoutMs: READY_TIMEOUT_MS });
      const process = requireChild(child);
      agent = new ClaudeProcess({
        warm,
        process,
        words,
        project: launch.project,
        threadId,
        priced: credential.kind !== "offline",
        logger: this.#log,
      });
      return agent;
    } catch (error) {
      await stopChild(child);
      const stderr = words.text;
      this.#log.warn({ err: error, stderr }, "Claude Code did not start");
      throw new KartaError(
        "harness_unavailable",
        `Claude Code did not start: ${lastLine(stderr) ?? messageOf(error)}`,
        {
          cause: error,
          retryAfterSeconds: 5,
        },
      );
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }
}

function launchOptions(launch: LaunchSpec, kept: KeptPlaces): Options {
  return {
    cwd: launch.cwd,
    includePartialMessages: true,
    // The project's own settings, agents, skills and CLAUDE.md; never the operator's.
    settingSources: ["project"],
    permissionMode: "default",
    permissionPrompts: launch.permissionIntercept ? "host" : "none",
    // Registering the folder was the operator's consent to its .mcp.json (spec: karta-toml, Rules).
    settings: { enableAllProjectMcpServers: true, permissions: denyRules(kept.sealed) },
    allowedTools: withToolNames(launch.allowedTools, launch),
    disallowedTools: withToolNames(launch.disallowedTools, launch),
  };
}

/**
 * Who speaks, with which instructions and model. A conversation keeps sending the instructions it began with, so where
 * it may go from one agent to another they are made anew each time (`snapshot: false`); elsewhere their record keeps the
 * model's cache warm.
 * @param defaultModel what the default agent of a resumed conversation speaks with; null for a new conversation
 */
function speakerOptions({ agent, hasAgents, model }: LaunchSpec, defaultModel: string | null): Options {
  const systemPrompt = { type: "preset", preset: "claude_code" } as const;
  const named = model === null ? {} : { model };
  if (!hasAgents) return { systemPrompt, ...named };
  const fresh = { systemPrompt: { ...systemPrompt, snapshot: false } };
  if (agent !== null) return { ...fresh, ...named, agent };
  return defaultModel === null
    ? { ...fresh, ...named }
    : { ...fresh, agent: DEFAULT_AGENT, model: model ?? defaultModel };
}

// Through functions, because the compiler does not see the assignment inside the spawn hook.
function requireChild(child: ManagedProcess | null): ManagedProcess {
  if (child === null) throw new Error("the Agent SDK did not use the spawn hook");
  return child;
}

async function stopChild(child: ManagedProcess | null): Promise<void> {
  await child?.stop(0);
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function lastLine(text: string): string | null {
  const line = text.trim().split("\n").at(-1)?.trim() ?? "";
  return line === "" ? null : line;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
