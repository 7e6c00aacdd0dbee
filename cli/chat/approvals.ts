/** A turn's approvals, asked inline: one after the other, each until it is answered here, elsewhere, or never. */
import { KartaError } from "../../shared/errors.ts";
import type { InputAnswer, PendingInput } from "../../shared/protocol/sessions.ts";
import { questionsOf, questionText, toolText } from "../render/input.ts";
import { APPROVAL_PROMPT, choicePrompt, readChoice, readDecision } from "./answers.ts";

/** Shows a question and waits for a line. Null: the signal withdrew it, or nobody types any more. */
export type Ask = (question: string, prompt: string, signal: AbortSignal) => Promise<string | null>;

export interface ApprovalsOptions {
  /** Null: nobody can be asked, so all is denied. */
  readonly ask: Ask | null;
  /** Told with each denial for that reason. */
  readonly onNobody: (input: PendingInput) => void;
  readonly send: (requestId: string, answer: InputAnswer) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

const ON_A_PIPE: InputAnswer = {
  decision: "deny",
  message: "Denied: the user talks through a pipe, where nobody can approve.",
};
const LEFT: InputAnswer = { decision: "deny", message: "The user left the chat without an answer." };

export class InlineApprovals {
  readonly #options: ApprovalsOptions;
  readonly #open = new Map<string, AbortController>();
  /** Settles when the last of those asked so far is dealt with. Never rejects. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  /** Asks, after those that came before; returns at once. */
  required(input: PendingInput): void {
    const withdrawn = new AbortController();
    this.#open.set(input.request_id, withdrawn);
    this.#last = this.#last.then(() => this.#settle(input, withdrawn.signal));
  }

  /** It was answered, by whomever. */
  resolved(requestId: string): void {
    this.#open.get(requestId)?.abort();
    this.#open.delete(requestId);
  }

  /** The turn is over, or being cancelled: nothing more is asked. Resolves when the person is asked nothing any more. */
  withdraw(): Promise<void> {
    for (const requestId of [...this.#open.keys()]) this.resolved(requestId);
    return this.#last;
  }

  async #settle(input: PendingInput, signal: AbortSignal): Promise<void> {
    if (isAborted(signal)) return;
    const { ask, onNobody, send, onError } = this.#options;
    if (ask === null) onNobody(input);
    const answer = ask === null ? ON_A_PIPE : await answerOf(input, ask, signal);
    if (isAborted(signal)) return;
    try {
      await send(input.request_id, answer);
    } catch (error) {
      // Somebody else was quicker; the stream says who.
      if (!(error instanceof KartaError && error.code === "input_already_resolved")) onError(error);
    }
  }
}

/** A function, so that the compiler does not take the first check for still true after an await. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** The person's answer; for one who has left, a no. */
async function answerOf(input: PendingInput, ask: Ask, signal: AbortSignal): Promise<InputAnswer> {
  if (input.kind === "tool_use") {
    return (await until(toolText(input), APPROVAL_PROMPT, { ask, signal, read: readDecision })) ?? LEFT;
  }
  const answers: [string, string][] = [];
  for (const question of questionsOf(input)) {
    const read = (typed: string) => readChoice(typed, question);
    const answer = await until(questionText(question), choicePrompt(question), { ask, signal, read });
    if (answer === null) return LEFT;
    answers.push([question.text, answer]);
  }
  return { decision: "approve_once", answers: Object.fromEntries(answers) };
}

/** Asks again until what is typed can be read; null when there is nobody to ask. */
async function until<Answer>(
  question: string,
  prompt: string,
  { ask, signal, read }: { ask: Ask; signal: AbortSignal; read: (typed: string) => Answer | null },
): Promise<Answer | null> {
  for (;;) {
    const typed = await ask(question, prompt, signal);
    const answer = typed === null ? null : read(typed);
    if (typed === null || answer !== null) return answer;
  }
}
