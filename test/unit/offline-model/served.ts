/** An offline model on a real socket, and what its two kinds of client see. */
import { OfflineModel } from "../../../daemon/offline-model/server.ts";
import { parseOfflineScript, type OfflineScript } from "../../../daemon/offline-model/script.ts";
import { z } from "zod";

export const PROJECT = "support bot";

export function scriptOf(toml: string): OfflineScript {
  const parsed = parseOfflineScript(toml, "offline.toml");
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.script;
}

/** As fast as possible, unless the script says otherwise. */
export async function serve(toml: string): Promise<{ model: OfflineModel; base: string } & AsyncDisposable> {
  const model = new OfflineModel();
  await model.start();
  model.setScript(PROJECT, scriptOf(`first_token_ms = 0\ntokens_per_second = 0\n${toml}`));
  return { model, base: model.baseUrl(PROJECT), [Symbol.asyncDispose]: () => model.stop() };
}

export function post(url: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null });
}

const user = (content: unknown) => ({ role: "user", content });

export const tools = [{ name: "Read" }, { name: "Write" }];

/** A request as Claude Code sends it. */
export function ask(
  base: string,
  messages: string | readonly object[],
  more: object = {},
): Promise<Response> {
  const body = {
    model: "claude-opus-5-5",
    max_tokens: 1000,
    stream: true,
    tools,
    messages: typeof messages === "string" ? [user(messages)] : messages,
    ...more,
  };
  return post(`${base}/v1/messages?beta=true`, body);
}

const MessageSchema = z.object({
  content: z.array(
    z.looseObject({ type: z.string(), text: z.string().optional(), input: z.unknown().optional() }),
  ),
});

/** What it says, not streamed: the text, or the tool's input. */
export async function said(
  base: string,
  messages: string | readonly object[],
  more: object = {},
): Promise<unknown> {
  const response = await ask(base, messages, { stream: false, ...more });
  const { content } = MessageSchema.parse(await response.json());
  const last = content.at(-1);
  return last?.type === "tool_use" ? last.input : last?.text;
}

/** Each `data:` of the stream as it arrives. @throws when the connection breaks */
export async function* frames(response: Response): AsyncGenerator<string> {
  if (response.body === null) throw new Error("no body");
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield part.slice(part.indexOf("data: ") + "data: ".length);
  }
}

export async function events(response: Response): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const frame of frames(response)) {
    if (frame !== "[DONE]") found.push(z.record(z.string(), z.unknown()).parse(JSON.parse(frame)));
  }
  return found;
}
