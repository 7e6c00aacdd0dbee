/** How long Karta's client waits for the first word. */
import type { KartaClient } from "./client.ts";

/** Sends a message on a session and reads the whole answer. @returns milliseconds to the first text */
export async function firstTokenOf(client: KartaClient, sessionId: string, text?: string): Promise<number> {
  const startedAt = performance.now();
  return (await firstTextAt(client, sessionId, text)) - startedAt;
}

/** @returns the new session, and milliseconds from its creation to the first text */
export async function firstTokenOfNew(client: KartaClient): Promise<{ sessionId: string; ms: number }> {
  const startedAt = performance.now();
  const sessionId = await client.create();
  return { sessionId, ms: (await firstTextAt(client, sessionId)) - startedAt };
}

async function firstTextAt(client: KartaClient, sessionId: string, text = "say it"): Promise<number> {
  const texts: number[] = [];
  await client.stream(sessionId, text, ({ event, at }) => {
    if (event === "text") texts.push(at);
  });
  const [first] = texts;
  if (first === undefined) throw new Error("the turn said nothing");
  return first;
}
