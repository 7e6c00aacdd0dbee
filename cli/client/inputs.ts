/** Finding what waits for an answer, and reading the answers that a user typed as `QUESTION=TEXT`. */
import type { InputAnswer, PendingInput } from "../../shared/protocol/sessions.ts";
import { answerCommands, questionsOf } from "../render/input.ts";
import { oneLine } from "../render/harmless.ts";
import type { KartaClient } from "./client.ts";
import { badUsage, CliError } from "./errors.ts";
import { resolveSession } from "./sessions.ts";
import { routes } from "./routes.ts";

/** What is to be answered. `input` is null when the request that the user named is not the session's oldest open one. */
export interface Addressed {
  readonly sessionId: string;
  readonly requestId: string;
  readonly input: PendingInput | null;
}

/**
 * Finds the request: the one named, else the one that waits.
 * @throws KartaError `not_found`, CliError `nothing_waits`
 */
export async function addressed(
  client: KartaClient,
  typed: { readonly id: string; readonly req: string | undefined },
): Promise<Addressed> {
  const sessionId = await resolveSession(client, typed.id);
  const { pending_input: pending } = await client.call(routes.getSession, { params: { id: sessionId } });
  if (typed.req !== undefined) {
    const input = pending?.request_id === typed.req ? pending : null;
    return { sessionId, requestId: typed.req, input };
  }
  if (pending !== null) return { sessionId, requestId: pending.request_id, input: pending };
  throw new CliError(
    "nothing_waits",
    `nothing waits for an answer in ${sessionId}; \`karta sessions show ${sessionId}\` says what it does`,
  );
}

/**
 * The body's `answers` for what was typed. A question that is known may hold a `=` of its own; else the first `=` parts.
 * @throws CliError `bad_usage` for a text without `=`, and for a question that is left without any answer
 */
export function readAnswers(
  typed: readonly string[],
  { sessionId, input }: Addressed,
): InputAnswer["answers"] {
  const questions = input?.kind === "question" ? questionsOf(input).map(({ text }) => text) : [];
  if (typed.length === 0) {
    if (input === null || questions.length === 0) return undefined;
    throw badUsage(`this is a question; answer it: ${answerCommands(sessionId, input).approve}`);
  }
  if (input?.kind === "tool_use")
    throw badUsage(`${oneLine(input.tool)} asks for leave, not for an --answer`);
  return Object.fromEntries(typed.map((text) => readAnswer(text, questions)));
}

function readAnswer(typed: string, questions: readonly string[]): [question: string, answer: string] {
  for (const question of questions) {
    // A question of several lines is shown on one, and typed as it is shown.
    for (const shown of [question, oneLine(question)]) {
      if (typed.startsWith(`${shown}=`)) return [question, typed.slice(shown.length + 1)];
    }
  }
  const at = typed.indexOf("=");
  if (at < 1) throw badUsage(`--answer "${typed}": expected QUESTION=TEXT`);
  if (questions.length > 0) {
    throw badUsage(
      `--answer "${typed}": the question is not one of these: ${questions.map(oneLine).join("; ")}`,
    );
  }
  return [typed.slice(0, at), typed.slice(at + 1)];
}
