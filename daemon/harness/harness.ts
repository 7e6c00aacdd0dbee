/**
 * The seam: what every harness looks like to the rest of kartad. A harness turns a launch spec into a live agent
 * process and one turn into `HarnessEvent`s. It knows nothing of sessions, storage or HTTP.
 */
import type { TurnErrorCode } from "../../shared/errors.ts";
import type { Usage } from "../../shared/events.ts";
import type { HarnessType } from "../../shared/protocol/projects.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { ProcessSpawner } from "../process/spawner.ts";

/** A tool of the project's own code. Data, since it is part of what makes two processes interchangeable. */
export interface ToolSpec {
  /** Letters, digits, `_` and `-`; a harness that wants another form of it makes one. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** How long a call may take. */
  readonly timeoutSeconds: number;
}

/** What an agent process is started with. Two equal specs make interchangeable processes: they share a lane. */
export interface LaunchSpec {
  readonly project: string;
  readonly projectVersion: string;
  /** Absolute: where the agent works. */
  readonly cwd: string;
  /** Absolute: the workspace's own HOME. */
  readonly home: string;
  /** One of the project's agents; null for the folder's own instructions. */
  readonly agent: string | null;
  /** The project has agents: a conversation may go from one to another. */
  readonly hasAgents: boolean;
  /** Null: the harness's default. */
  readonly model: string | null;
  readonly allowedTools: readonly string[];
  readonly disallowedTools: readonly string[];
  /** Null: the harness's default. */
  readonly thinkingBudgetTokens: number | null;
  /** False: what the project's rules do not allow is refused without asking anybody. */
  readonly permissionIntercept: boolean;
  /** Offered to the agent beside its own; a call goes to `TurnRequest.callTool`. */
  readonly tools: readonly ToolSpec[];
  /** `[harness] command`: the agent's program and its arguments; null where the harness knows its own. */
  readonly command: readonly string[] | null;
  /** `.mcp.json`'s servers, for harnesses that do not read that file themselves. */
  readonly mcpServers: Readonly<Record<string, unknown>>;
  /** The names the app declared in `[env]`, bound. */
  readonly env: Readonly<Record<string, string>>;
  /** In a sandbox, or not at all. */
  readonly sandbox: boolean;
}

/** Which conversation a process is to hold. `threadId` is the harness's own id of it. */
export type Thread = { readonly kind: "new" } | { readonly kind: "resume"; readonly threadId: string };

export interface StartRequest {
  readonly launch: LaunchSpec;
  readonly thread: Thread;
  readonly spawner: ProcessSpawner;
  /** The process is no longer wanted: the start is to be given up, and `start` rejects when nothing of it is left. */
  readonly signal: AbortSignal;
}

/** What an agent says while it works. Text and reasoning are deltas. */
export type HarnessEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: unknown }
  | { readonly type: "tool_result"; readonly id: string; readonly isError: boolean; readonly content: string }
  | { readonly type: "step_start"; readonly description: string }
  | { readonly type: "step_finish"; readonly result: string }
  | { readonly type: "system"; readonly subtype: string; readonly detail: unknown };

/** How a turn ended. */
export type TurnEnd =
  | { readonly kind: "completed"; readonly usage: Usage }
  | { readonly kind: "cancelled"; readonly usage: Usage }
  | {
      readonly kind: "failed";
      readonly code: TurnErrorCode;
      /** For people; never a secret. */
      readonly message: string;
      readonly retryable: boolean;
      readonly usage: Usage;
    };

export const NO_USAGE: Usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };

/** A tool that the agent wants to use and that no rule of the project allows or refuses by itself. */
export interface PermissionRequest {
  readonly toolUseId: string;
  /** `question`: the agent wants an answer to go on with, rather than leave to act. */
  readonly kind: "tool_use" | "question";
  readonly tool: string;
  readonly input: unknown;
  /** The harness's own words for the question. */
  readonly message: string;
  /** What a question offers to choose from; empty for a tool. */
  readonly options: readonly string[];
  /** Ends when the agent no longer wants an answer. */
  readonly signal: AbortSignal;
}

export type PermissionDecision =
  | {
      readonly kind: "allow";
      /** `session`: this and what the harness finds alike, as long as its process lives. */
      readonly scope: "once" | "session";
      /** A question's answers: its text → the answer. Null for a tool. */
      readonly answers: Readonly<Record<string, string>> | null;
    }
  /** `message` is what the agent is told. */
  | { readonly kind: "deny"; readonly message: string };

/** The agent calls one of the launch's `tools`; it may do so, this was decided before. */
export interface ToolCall {
  readonly name: string;
  /** As the agent gave it: nobody has checked it. */
  readonly input: unknown;
  /** Ends when the agent no longer wants the result. */
  readonly signal: AbortSignal;
}

/** `content` is text. An error is the agent's to read too: it may do better, or say so. */
export interface ToolResult {
  readonly isError: boolean;
  readonly content: string;
}

/** A picture that comes with a message. */
export interface TurnImage {
  readonly mediaType: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  readonly base64: string;
}

export interface TurnRequest {
  /** The message's own id. A harness that can keeps it, and gives it back in the transcript. */
  readonly messageId: string;
  /** Empty only where there are images. */
  readonly text: string;
  readonly images: readonly TurnImage[];
  /** Called in order. Must not throw. */
  readonly emit: (event: HarnessEvent) => void;
  readonly decide: (request: PermissionRequest) => Promise<PermissionDecision>;
  /** Runs one of the project's tools. Never rejects: what goes wrong is an error result. */
  readonly callTool: (call: ToolCall) => Promise<ToolResult>;
}

/** A conversation's piece: what a user's message was, or all that the agent did until the next one. */
export type TranscriptEntry =
  | {
      readonly role: "user";
      /** Its turn's `messageId`; where the harness does not keep those, an id that stays the same over reads. */
      readonly id: string;
      /** Just as its turn's `text` was: what the harness or its adapter added is left out. */
      readonly text: string;
    }
  | { readonly role: "assistant"; readonly said: readonly HarnessEvent[] };

/** A conversation as its harness keeps it. */
export type Transcript =
  /** Oldest first. Messages that no turn sent (the harness's own) are left out. */
  | { readonly kind: "read"; readonly entries: readonly TranscriptEntry[] }
  /** The harness has no such conversation: it has not begun, or its record was removed. */
  | { readonly kind: "none" }
  /** This harness cannot give its conversations back; `detail` says why. */
  | { readonly kind: "unreadable"; readonly detail: string };

export interface TranscriptRequest {
  readonly project: string;
  readonly threadId: string;
  /** What its process would be started with, for harnesses that read a conversation by taking it up; may reject. */
  readonly launch: () => Promise<LaunchSpec>;
}

/** One conversation on a live agent process. One turn at a time. */
export interface AgentProcess {
  /** Several conversations may share one, where the harness says so: when it ends, it ends for all of them. */
  readonly process: ManagedProcess;
  /** The harness's own id of the conversation, known from the start so that it can be stored before the first turn. */
  readonly threadId: string;
  /** It takes further turns. False once its process has ended or is on its way out, or it was asked to stop. */
  readonly isOpen: boolean;
  /** Runs one turn. Never rejects: a process that dies in the middle is a `failed` end. */
  run(turn: TurnRequest): Promise<TurnEnd>;
  /** Asks the running turn to end; `run` then resolves as `cancelled`. Harmless when none runs. */
  cancel(): Promise<void>;
  /**
   * Ends the conversation's hold on the process, and with the last one the process and its group. Resolves when nothing
   * of it is left. A turn that still runs ends with it, at once; where only the end of the process ends what it does, the
   * turns of other conversations on it may end first, within a bound.
   */
  stop(): Promise<void>;
  /** The process takes no further conversations (it grew too big): those it has may end their turns. */
  retire(): void;
}

/** Whether a harness can run now. `detail` says what to do about it. */
export type Availability =
  /** `credential`: with what it reaches a model, in words; null: none was found, and it may know one itself. */
  | { readonly kind: "available"; readonly credential: string | null }
  | { readonly kind: "unavailable"; readonly detail: string };

/** A project that may name its agent's program itself. */
export interface ProgramOwner {
  /** `[harness] command`. */
  readonly command: readonly string[] | null;
  /** Absolute: a command such as `./agent` is meant from here. */
  readonly folder: string;
  /** It runs in a sandbox, also when it is only asked what it is. */
  readonly sandbox: boolean;
}

/** The program behind a harness. */
export type HarnessBinary =
  | {
      readonly kind: "found";
      readonly path: string;
      readonly version: string;
      /** What Karta and the program speak with each other, such as `ACP 1`. */
      readonly protocol: string;
    }
  /** `detail`: what was looked for, and how to install it. */
  | { readonly kind: "missing"; readonly detail: string };

export interface Harness {
  readonly type: HarnessType;
  /** Cheap and synchronous: called before every turn. */
  availability(): Availability;
  /** @param project whose program is meant, where the project names it; null: the harness's own */
  binary(project: ProgramOwner | null): Promise<HarnessBinary>;
  /** Agents of its own that it was seen to offer in a project, besides those in the folder's files. */
  ownAgents(project: string): readonly string[];
  /** Whether a project's agent takes images; null: not known before it was first started. */
  takesImages(project: string): boolean | null;
  /**
   * Reads a conversation back, whether a process holds it now or not; also in the middle of a turn. Never rejects for a
   * conversation that is not there.
   */
  transcript(request: TranscriptRequest): Promise<Transcript>;
  /**
   * Starts a process and waits until it can take a turn.
   * @throws KartaError `harness_unavailable`
   */
  start(request: StartRequest): Promise<AgentProcess>;
}
