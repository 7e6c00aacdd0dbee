/** Plays the tutorial's two questions through the demo's web server, as its page does, and prints the replies as they come. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import { styleText } from "node:util";
import { z } from "zod";

const QUESTIONS = ["Hi! What roasts do you have?", "Do you ship free?"];

const SpawnSchema = z.object({ session_id: z.string() });
const FrameSchema = z.object({
  type: z.string(),
  data: z.looseObject({
    part: z.object({ text: z.string() }).optional(),
    message: z.unknown().optional(),
  }),
});

/** @throws Error when a turn does not end with `done` */
export async function playConversation(webUrl: string): Promise<void> {
  const { session_id } = SpawnSchema.parse(await (await post(webUrl, "/api/spawn", undefined)).json());
  for (const text of QUESTIONS) {
    process.stdout.write(
      `${styleText("bold", "You:  ")} ${text}\n${styleText(["bold", "yellow"], "Beans:")} `,
    );
    await printReply(await post(webUrl, "/api/message", { session_id, text }));
  }
}

async function post(webUrl: string, route: string, body: unknown): Promise<Response> {
  const response = await fetch(webUrl + route, {
    method: "POST",
    ...(body === undefined
      ? {}
      : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${route} answered ${response.status}: ${await response.text()}`);
  return response;
}

async function printReply(response: Response): Promise<void> {
  if (response.body === null) throw new Error("the reply has no body");
  const messages = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const message of messages) {
    const frame = FrameSchema.parse(JSON.parse(message.data));
    if (frame.type === "text") process.stdout.write(frame.data.part?.text ?? "");
    if (frame.type === "error") throw new Error(`the turn failed: ${String(frame.data.message)}`);
    if (frame.type === "done") {
      process.stdout.write("\n\n");
      return;
    }
  }
  throw new Error("the stream ended before the turn did");
}
