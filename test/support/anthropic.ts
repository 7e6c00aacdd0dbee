/** The official client of Anthropic's APIs, with a kartad as its base URL. */
import Anthropic, { type ClientOptions } from "@anthropic-ai/sdk";

/** Under a project's base. Nothing is tried again unless a test says so. */
export function anthropicOf(url: string, project = "bot", more: ClientOptions = {}): Anthropic {
  return anthropicAt(`${url}/v1/projects/${project}/anthropic`, more);
}

export function anthropicAt(baseURL: string, more: ClientOptions = {}): Anthropic {
  return new Anthropic({ baseURL, apiKey: "none-is-needed", maxRetries: 0, logLevel: "off", ...more });
}

/** One user message. */
export function saying(content: string): Anthropic.MessageCreateParamsNonStreaming {
  return { model: "bot", max_tokens: 1000, messages: [{ role: "user", content }] };
}

export function textIn({ content }: Pick<Anthropic.Message, "content">): string {
  return content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

/** The session that an answer's turn ran in. */
export function sessionIn({ headers }: Pick<Response, "headers">): string {
  const id = headers.get("X-Karta-Session");
  if (id === null) throw new Error("the answer names no session");
  return id;
}
