/** OpenAI's own client on a Karta of a test. */
import OpenAI from "openai";

/** @param base a family's: `/v1`, `/v1/projects/bot`… */
export function openAi(url: string, base = "/v1", options: { maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: url + base, apiKey: "none", maxRetries: options.maxRetries ?? 0 });
}

/** What a call was refused with. @throws when it was not */
export async function refusalOf(call: PromiseLike<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error("was not refused");
    },
    (error: unknown) => error,
  );
}
