/** A plain script's single turn in a process of its own: fresh, resumed, or handed to one that is ready. */
import {
  query,
  startup,
  type Options,
  type Query,
  type SDKUserMessage,
  type WarmQuery,
} from "@anthropic-ai/claude-agent-sdk";
import type { Scope } from "../scope.ts";
import { textDelta } from "./text-delta.ts";

export interface OneTurn {
  /** Milliseconds from the call to the first text. */
  readonly ms: number;
  /** The conversation, to resume. */
  readonly threadId: string;
}

/** A new process for a new conversation, or for one to resume. */
export function freshTurn(options: Options, resume?: string): Promise<OneTurn> {
  const startedAt = performance.now();
  return readTurn(
    query({ prompt: oneMessage(), options: resume === undefined ? options : { ...options, resume } }),
    startedAt,
  );
}

/**
 * A plain script's spare: one process that `startup()` made ready. Taken, the next one is started at once, so that it
 * stands ready through the other side's samples, just as kartad's spare stands through this one's: a process that stood
 * by while others worked is some 20 ms slower with its first token than one that has just started.
 * Owner: the scope.
 */
export class ReadyProcess {
  readonly #options: Options;
  #next: Promise<WarmQuery>;

  constructor(options: Options, scope: Scope) {
    this.#options = options;
    this.#next = startup({ options });
    scope.onEnd(async () => (await this.#next).close());
  }

  /** Resolves when it can take a turn. */
  async ready(): Promise<void> {
    await this.#next;
  }

  /** One turn on it. The process's start is not counted. */
  async turn(): Promise<OneTurn> {
    const warm = await this.#next;
    const startedAt = performance.now();
    const taken = await readTurn(warm.query(oneMessage()), startedAt);
    this.#next = startup({ options: this.#options });
    return taken;
  }
}

async function readTurn(running: Query, startedAt: number): Promise<OneTurn> {
  let firstAt: number | null = null;
  let threadId = "";
  try {
    for await (const message of running) {
      if (firstAt === null && textDelta(message) !== null) firstAt = performance.now();
      if (message.type === "result") threadId = message.session_id;
    }
  } finally {
    running.close();
  }
  if (firstAt === null) throw new Error("the SDK's turn said nothing");
  return { ms: firstAt - startedAt, threadId };
}

// eslint-disable-next-line @typescript-eslint/require-await -- the SDK wants an async source
async function* oneMessage(): AsyncGenerator<SDKUserMessage> {
  yield {
    type: "user",
    message: { role: "user", content: [{ type: "text", text: "say it" }] },
    parent_tool_use_id: null,
  };
}
