/** Karta for Node: an app's own object in a project's folder, and anywhere else the way to talk to a running kartad. */

import type { KartaOptions, Reply, SendOptions, Session, SessionOptions, StreamEvent } from "./client.js";

export { KartaError, NoDaemonError, Session } from "./client.js";
export type { KartaOptions, Reply, SendOptions, SessionOptions, StreamEvent } from "./client.js";

/** What makes an object a Karta app: `Symbol.for("karta.app")`. */
export declare const kartaApp: unique symbol;

type MaybePromise<T> = T | Promise<T>;

/** The session something belongs to, as it was when it happened. */
export interface SessionInfo {
  readonly id: string;
  readonly project: string;
  /** The agent that holds the session now; `default` is the folder's own instructions. */
  readonly agent: string;
  /** What the session was created with. */
  readonly metadata: Readonly<Record<string, string | number | boolean | null>>;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly parentId: string | null;
}

export interface Participant {
  readonly name: string;
  readonly type: "human" | "ai";
  readonly displayName: string | null;
}

export interface Message {
  readonly id: string;
  readonly text: string;
  /** Null for the agent's own messages, and for senders without a name. */
  readonly participant: Participant | null;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  /** US dollars; null where the harness does not say. */
  readonly costUsd: number | null;
}

/** What each event's hooks are handed. */
export interface AppEvents {
  /** A session was made. */
  "session.created": { readonly type: "session.created"; readonly session: SessionInfo };
  /** A message passed the policies and was stored; its turn runs when its place comes. */
  "message.received": {
    readonly type: "message.received";
    readonly session: SessionInfo;
    readonly turnId: string;
    readonly agent: string;
    readonly message: Message;
  };
  /** A turn has ended. */
  "message.completed": {
    readonly type: "message.completed";
    readonly session: SessionInfo;
    readonly turnId: string;
    readonly agent: string;
    readonly status: "completed" | "cancelled" | "failed";
    /** What the agent said. */
    readonly message: Message;
    readonly usage: Usage;
    /** For `failed` only. */
    readonly error: { readonly code: string; readonly message: string } | null;
  };
  /** From now on another of the project's agents holds the session. */
  "agent.handoff": {
    readonly type: "agent.handoff";
    readonly session: SessionInfo;
    readonly from: string;
    readonly to: string;
    /** Null when it was handed over between two turns. */
    readonly turnId: string | null;
  };
}

/** `signal` fires when Karta gives the call up. */
export interface CallContext {
  readonly signal: AbortSignal;
}

/** A message before its turn: what a policy decides about. Nothing of it is stored yet. */
export interface IncomingMessage {
  readonly text: string;
  readonly participant: Participant | null;
  /** Which agent it is for. */
  readonly agent: string;
  readonly session: SessionInfo;
  /** Messages that the session has accepted before this one. */
  readonly messageCount: number;
}

/** Made by `allow()`, `refuse(message)` or `rewrite(text)`. */
export type Decision =
  | { readonly decision: "allow" }
  | { readonly decision: "refuse"; readonly message: string }
  | { readonly decision: "rewrite"; readonly text: string };

/** Returning nothing means `allow()`. */
export type Policy = (message: IncomingMessage, context: CallContext) => MaybePromise<Decision | undefined>;

/** The message goes on to the next policy; after the last one, to the agent. */
export declare function allow(): Decision;
/** The message goes no further: its sender gets `message` with status 422, and nothing is stored. */
export declare function refuse(message: string): Decision;
/** The message goes on with this text; the original is neither stored nor shown to the agent. */
export declare function rewrite(text: string): Decision;
/** Refuses texts of more than `limit` characters. */
export declare function maxLength(limit: number, message?: string): Policy;
/** Refuses what comes after a session's first `limit` messages. */
export declare function maxMessages(limit: number, message?: string): Policy;
/** Refuses texts in which one of the words or phrases stands, whole and in any letter case. */
export declare function keywordGate(keywords: string | Iterable<string>, message?: string): Policy;

/** Throw it in a tool to tell the agent, in your own words, why the call cannot be answered. */
export declare class ToolError extends Error {}

/** Who calls a tool. */
export interface ToolContext extends CallContext {
  readonly session: SessionInfo;
  readonly turnId: string;
}

/** JSON Schema of an object. */
export interface ObjectSchema {
  readonly type: "object";
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

/** A schema that says its own JSON Schema and type: zod's `z.object({…})`, say. */
export interface SchemaOf<T> {
  toJSONSchema(params?: { readonly io?: "input" | "output" }): unknown;
  readonly _output: T;
}

type ValueOf<S> = S extends { readonly enum: readonly (infer V)[] }
  ? V
  : S extends { readonly type: "string" }
    ? string
    : S extends { readonly type: "number" | "integer" }
      ? number
      : S extends { readonly type: "boolean" }
        ? boolean
        : S extends { readonly type: "array"; readonly items: infer I }
          ? ValueOf<I>[]
          : S extends ObjectSchema
            ? ArgumentsOf<S>
            : unknown;

/** A JSON Schema's values, where it is written in the call itself. */
export type ArgumentsOf<S> = S extends {
  readonly properties: infer P extends Readonly<Record<string, unknown>>;
}
  ? S extends { readonly required: readonly (infer R)[] }
    ? { [K in keyof P as K extends R ? K : never]: ValueOf<P[K]> } & {
        [K in keyof P as K extends R ? never : K]?: ValueOf<P[K]>;
      }
    : { [K in keyof P]?: ValueOf<P[K]> }
  : Record<string, never>;

export interface ToolOptions<Input> {
  /** What the agent reads to know when to call it. */
  readonly description: string;
  /** The arguments; none when left out. Karta checks them before the function is called. */
  readonly input?: Input;
  /** Seconds that a call may take; 60 when left out. */
  readonly timeoutSeconds?: number;
}

/** An agent or a skill that Karta found in the project's folder. */
export interface Discovered {
  readonly name: string;
  readonly description: string;
  /** Relative to the folder. */
  readonly path: string;
}

/**
 * An app, and a client.
 *
 * In a project's own code, `export const app = new Karta()` is what karta.toml's `entry_point` names; hooks, policies and
 * tools are registered on it. Anywhere else, `new Karta("./my-app")` talks to the kartad of this machine over its socket,
 * and registers the folder if it is not registered yet; `new Karta(undefined, { url, project })` talks to one over HTTP.
 * Nothing is asked of kartad before the first message.
 */
export declare class Karta {
  constructor(folder?: string, options?: KartaOptions);

  /** How many of each kind are registered. */
  [kartaApp](): { handlers: number; policies: number; tools: number };

  /**
   * Runs `run`, sync or async, each time `event` has happened. No turn waits for it. What it throws is logged; after 10
   * seconds it is given up. A session's events come one after the other.
   */
  on<E extends keyof AppEvents>(
    event: E,
    run: (event: AppEvents[E], context: CallContext) => MaybePromise<void>,
  ): this;

  /**
   * Asks `run` about every message before its turn. Policies are asked in the order they were added. One that throws,
   * returns what is no decision, or takes more than 5 seconds, refuses.
   */
  policy(run: Policy): this;

  /**
   * Offers `run`, sync or async, to the agent. Its result is text, or anything that JSON can hold. What it throws goes to
   * the agent as an error; `ToolError` in your own words.
   */
  tool<T>(
    name: string,
    options: ToolOptions<SchemaOf<T>> & { readonly input: SchemaOf<T> },
    run: (args: T, context: ToolContext) => unknown,
  ): this;
  tool<const S extends ObjectSchema>(
    name: string,
    options: ToolOptions<S>,
    run: (args: ArgumentsOf<S>, context: ToolContext) => unknown,
  ): this;

  /** The agents that Karta found in the folder. Empty outside Karta. */
  readonly agents: Discovered[];
  /** The skills that Karta found in the folder. Empty outside Karta. */
  readonly skills: Discovered[];

  /** A conversation of its own. */
  session(options?: SessionOptions): Session;
  /** Sends a message in this object's own session. */
  send(text: string, options?: SendOptions): Promise<Reply>;
  /** Sends a message in this object's own session and yields the turn's events as they come. */
  stream(text: string, options?: SendOptions): AsyncGenerator<StreamEvent, void>;
}
