/** Sends an answer, piece by piece at its pace, through an API's writer. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Answer, Block } from "./answer.ts";
import type { ModelRequest } from "./conversation.ts";
import { atPace, waitUntil } from "./pace.ts";
import type { StreamWire, Wire } from "./wire.ts";

type Message = Extract<Answer, { kind: "message" }>;
type Step = { readonly block: Block; readonly index: number; readonly text: string };

/**
 * Resolves when the answer is out, or its reader is gone: nothing is left behind in either case.
 * @param startedAt `performance.now()` of the request's arrival
 */
export async function send<Request extends ModelRequest>(
  response: ServerResponse,
  wire: Wire<Request>,
  request: Request,
  answer: Answer,
  startedAt: number,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    switch (answer.kind) {
      case "error":
        await waitUntil(startedAt + answer.pace.firstTokenMs, gone.signal);
        // A scripted error is meant to be seen: a harness that tries again need not wait before it does.
        response.setHeader("retry-after-ms", "1");
        sendJson(response, answer.status, wire.error(answer.type, answer.message));
        break;
      case "message":
        if (request.stream) {
          const frames = wire.stream(request, answer.blocks);
          await sendStream(response, frames, answer, startedAt, gone.signal);
        } else {
          await sendWhole(response, wire, request, answer, startedAt, gone.signal);
        }
        break;
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function sendStream(
  response: ServerResponse,
  frames: StreamWire,
  answer: Message,
  startedAt: number,
  signal: AbortSignal,
): Promise<void> {
  const write = async (text: string): Promise<void> => {
    if (text !== "" && !response.write(text)) await once(response, "drain", { signal });
  };
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  await write(frames.start());

  let sent = 0;
  let openIndex = -1;
  const openUpTo = async (index: number): Promise<void> => {
    for (; openIndex < index; openIndex += 1) {
      const [before, next] = [answer.blocks[openIndex], answer.blocks[openIndex + 1]];
      if (before !== undefined) await write(frames.close(before, openIndex));
      if (next !== undefined) await write(frames.open(next, openIndex + 1));
    }
  };
  for await (const { block, index, text } of atPace(stepsOf(answer.blocks), answer.pace, startedAt, signal)) {
    if (sent === answer.cutAfterTokens) break;
    await openUpTo(index);
    await write(frames.piece(block, index, text));
    sent += 1;
  }
  if (answer.cutAfterTokens !== null) {
    cut(response);
    return;
  }
  await openUpTo(answer.blocks.length);
  response.end(frames.finish(sent));
}

async function sendWhole<Request extends ModelRequest>(
  response: ServerResponse,
  wire: Wire<Request>,
  request: Request,
  answer: Message,
  startedAt: number,
  signal: AbortSignal,
): Promise<void> {
  const steps = stepsOf(answer.blocks).slice(0, answer.cutAfterTokens ?? undefined);
  const { tokensPerSecond, firstTokenMs } = answer.pace;
  // Nothing shows before the last piece, so the whole is one wait.
  const streaming = tokensPerSecond === 0 ? 0 : (Math.max(0, steps.length - 1) / tokensPerSecond) * 1000;
  await waitUntil(startedAt + firstTokenMs + streaming, signal);
  if (answer.cutAfterTokens !== null) cut(response);
  else sendJson(response, 200, wire.whole(request, answer.blocks, steps.length));
}

/** What was written still goes out first: a reset would throw away what the reader has not yet taken. */
function cut(response: ServerResponse): void {
  response.socket?.destroySoon();
}

function stepsOf(blocks: readonly Block[]): Step[] {
  return blocks.flatMap((block, index) => block.pieces.map((text) => ({ block, index, text })));
}
