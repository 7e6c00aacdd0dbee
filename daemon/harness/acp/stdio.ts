/**
 * The agent's standard streams as the SDK's message stream. Everything the agent prints is untrusted: lines have a
 * bound, whatever is no JSON object ends the connection, and an agent that does not read its input is not read either,
 * so that neither side of kartad's memory can be made to grow.
 */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { AnyMessage, Stream } from "@agentclientprotocol/sdk";
import { z } from "zod";
import { headOf } from "../../process/last-words.ts";

/** A file that a tool has read comes in one line; nothing honest is near this. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;
const SHOWN = 120;

/** What the agent printed is not the protocol. */
export class NotTheProtocolError extends Error {
  override readonly name = "NotTheProtocolError";
}

const IdSchema = z.union([z.string(), z.number(), z.null()]);
const AnswerSchema = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: IdSchema,
  method: z.undefined().optional(),
});
const CallSchema = z.looseObject({ jsonrpc: z.literal("2.0"), id: IdSchema.optional(), method: z.string() });
/** The SDK's own type, for what one of the two above has passed. */
const MessageSchema = z.custom<AnyMessage>();

/** Owner: the connection. Ends with the agent's streams. */
export function messageStream(stdin: Writable, stdout: Readable): Stream {
  /** Requests of ours that wait for their answer. */
  const asked = new Set<string | number | null>();

  const writable = new WritableStream<AnyMessage>({
    write: async (message) => {
      const { data: call } = CallSchema.safeParse(message);
      if (call?.id !== undefined) asked.add(call.id);
      await send(stdin, `${JSON.stringify(message)}\n`);
    },
  });

  const lines = linesOf(stdout);
  const readable = new ReadableStream<AnyMessage>(
    {
      pull: async (controller) => {
        for (;;) {
          if (stdin.writableNeedDrain) await drained(stdin);
          const line = await lines.next();
          if (line.done === true) {
            controller.close();
            return;
          }
          const value = parseLine(line.value);
          if (value === null) continue;
          const { data: answer } = AnswerSchema.safeParse(value);
          // An answer to nothing: the SDK would print a line for each.
          if (answer !== undefined && !asked.delete(answer.id)) continue;
          if (answer === undefined && !CallSchema.safeParse(value).success)
            throw new NotTheProtocolError("it printed JSON that is no message");
          controller.enqueue(MessageSchema.parse(value));
          return;
        }
      },
      cancel: async () => {
        await lines.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return { readable, writable };
}

async function send(stdin: Writable, text: string): Promise<void> {
  if (stdin.destroyed || stdin.writableEnded) throw new Error("the agent's input is closed");
  if (!stdin.write(text)) await drained(stdin);
}

/** Resolves too when the agent is gone: the end of its output tells. */
async function drained(stdin: Writable): Promise<void> {
  if (stdin.destroyed || !stdin.writableNeedDrain) return;
  const gone = new AbortController();
  const stop = (): void => gone.abort();
  stdin.once("close", stop);
  await once(stdin, "drain", { signal: gone.signal }).catch(() => undefined);
  stdin.off("close", stop);
}

async function* linesOf(stdout: Readable): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const data of stdout) {
    let chunk = Buffer.isBuffer(data) ? data : Buffer.from(String(data));
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE)) {
      if (size + end > MAX_LINE_BYTES) throw tooLong();
      yield Buffer.concat([...held, chunk.subarray(0, end)]);
      held = [];
      size = 0;
      chunk = chunk.subarray(end + 1);
    }
    if (chunk.length === 0) continue;
    size += chunk.length;
    if (size > MAX_LINE_BYTES) throw tooLong();
    held.push(chunk);
  }
}

/** Null for an empty line. @throws NotTheProtocolError */
function parseLine(line: Buffer): unknown {
  const text = line.toString("utf8").trim();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new NotTheProtocolError(
      `it printed a line that is no JSON: ${JSON.stringify(headOf(text, SHOWN))}`,
    );
  }
}

function tooLong(): NotTheProtocolError {
  return new NotTheProtocolError(`it printed a line of more than ${MAX_LINE_BYTES} bytes`);
}
