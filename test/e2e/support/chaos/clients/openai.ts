/** OpenAI's own client: Chat Completions, and Responses in the background. */
import OpenAI from "openai";
import { openAi } from "../../../../support/openai.ts";
import type { BackgroundResponse, Ledger, ToldEnd } from "../ledger.ts";
import { isTrouble, textFor, type Act } from "../play.ts";

const BASE = "/v1/projects/scripted";

/** A conversation told whole, with what the agent said in it, or not. */
export const chat: Act = async ({ url, ledger }, random) => {
  const sent = ledger.send("chat");
  const content = textFor({ project: "scripted" }, sent.nonce, random);
  const messages = [{ role: "user" as const, content }];
  const { completions } = openAi(url, BASE).chat;
  try {
    let text = "";
    let finish: string | null = null;
    if (random.chance(0.5)) {
      const completion = await completions.create({ model: "scripted", messages });
      const [choice] = completion.choices;
      text = choice?.message.content ?? "";
      finish = choice?.finish_reason ?? null;
    } else {
      for await (const chunk of await completions.create({ model: "scripted", messages, stream: true })) {
        const [choice] = chunk.choices;
        text += choice?.delta.content ?? "";
        finish = choice?.finish_reason ?? finish;
      }
    }
    if (finish === "stop")
      sent.told = { kind: "accepted", turnId: null, end: { status: "completed", text, code: null } };
  } catch (error) {
    if (!isTrouble(error)) throw error;
  }
};

/** Makes a response that nobody waits for. It is looked at when all is over. */
export const respond: Act = async ({ url, ledger }, random) => {
  const sent = ledger.send("response");
  const input = textFor({ project: "scripted" }, sent.nonce, random);
  try {
    const { id } = await openAi(url, BASE).responses.create({ model: "scripted", input, background: true });
    sent.told = { kind: "accepted", turnId: null, end: null };
    ledger.responses.push({ id, nonce: sent.nonce, end: null });
  } catch (error) {
    if (!isTrouble(error)) throw error;
  }
};

/** What a response says at the end. @throws OpenAI.APIError */
async function endOf(client: OpenAI, { id }: BackgroundResponse): Promise<ToldEnd | null> {
  const { status, output_text: text, error } = await client.responses.retrieve(id);
  switch (status) {
    case "completed":
    case "cancelled":
      return { status, text, code: null };
    case "failed":
      return { status, text: null, code: error?.code ?? null };
    default:
      return null;
  }
}

/** Reads every response, over a connection that holds. */
export async function readResponses(url: string, ledger: Ledger): Promise<void> {
  const client = openAi(url, BASE);
  for (const response of ledger.responses) response.end = await endOf(client, response);
}
