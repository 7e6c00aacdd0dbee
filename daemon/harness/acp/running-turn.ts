/** A turn in a conversation's hand. */
import type { TurnRequest } from "../harness.ts";
import { TurnTranslator } from "./translate.ts";

/** Given in place of the agent's answer. */
export const ABANDONED = Symbol("abandoned");

/** Owner: the conversation. */
export interface RunningTurn {
  readonly request: TurnRequest;
  readonly translator: TurnTranslator;
  /** Fires when its end was asked for: what it asks is withdrawn. */
  readonly ending: AbortController;
  /** The agent's answer to the prompt; null until it was sent. */
  answered: Promise<unknown> | null;
  /** Resolves when nobody waits for that answer any more. */
  readonly abandoned: PromiseWithResolvers<typeof ABANDONED>;
  openQuestions: number;
}

export function newTurn(request: TurnRequest): RunningTurn {
  return {
    request,
    translator: new TurnTranslator(request.emit),
    ending: new AbortController(),
    answered: null,
    abandoned: Promise.withResolvers(),
    openQuestions: 0,
  };
}

/** Whether it is answered, well or not, within the time. Never rejects. */
export async function settlesWithin(answered: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const settled = answered.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
