/** A plain script's single turn in a process of its own: fresh, resumed, or handed to one that is ready. */
import {
  query,
  startup,
  type Options,
  type Query,
  type SDKUserMessage,
} from "@anthropic-ai/claude-agent-sdk";
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

/** A process that has started already; its start is not counted. */
export async function readyTurn(options: Options): Promise<OneTurn> {
  const warm = await startup({ options });
  const startedAt = performance.now();
  return readTurn(warm.query(oneMessage()), startedAt);
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
