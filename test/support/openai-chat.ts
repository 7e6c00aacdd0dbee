/** Chat Completions as a test's client asks for them, below any SDK. */
import { SESSION_HEADER } from "../../shared/protocol/adapters/headers.ts";
import { ChatCompletionSchema, type ChatCompletion } from "../../shared/protocol/adapters/openai-chat.ts";
import { OpenAiErrorSchema, type OpenAiError } from "../../shared/protocol/adapters/openai-errors.ts";
import { request } from "./api.ts";

export const COMPLETIONS = "/v1/chat/completions";

export const user = (content: unknown) => ({ role: "user", content });
export const assistant = (content: string) => ({ role: "assistant", content });
export const system = (content: string) => ({ role: "system", content });

export interface ChatAnswer {
  readonly sessionId: string;
  readonly headers: Headers;
  readonly text: string;
  readonly completion: ChatCompletion;
}

/** Asks and waits for the whole answer. */
export async function complete(
  url: string,
  messages: readonly object[],
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<ChatAnswer> {
  const answer = await request(url, "POST", COMPLETIONS, { messages, ...more }, headers);
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  const completion = ChatCompletionSchema.parse(answer.body);
  return {
    sessionId: answer.headers.get(SESSION_HEADER) ?? "",
    headers: answer.headers,
    text: completion.choices[0]?.message.content ?? "",
    completion,
  };
}

export interface ChatRefusal extends Pick<ChatAnswer, "headers"> {
  /** `400 unknown_parameter`. */
  readonly is: string;
  readonly error: OpenAiError["error"];
}

/** Asks for what must be refused. */
export async function refused(
  url: string,
  body: unknown,
  options: { readonly path?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<ChatRefusal> {
  const { path = COMPLETIONS, headers: sent = {} } = options;
  const { status, headers, body: answer } = await request(url, "POST", path, body, sent);
  if (status < 400) throw new Error(`was not refused: ${status} ${JSON.stringify(answer)}`);
  const { error } = OpenAiErrorSchema.parse(answer);
  return { is: `${status} ${error.code ?? ""}`, headers, error };
}

/** How many sessions there are, up to a page's worth. */
export async function sessionCount(url: string): Promise<number> {
  const { body } = await request(url, "GET", "/v1/sessions?limit=200");
  return Array.isArray(body.data) ? body.data.length : 0;
}
