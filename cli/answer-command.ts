/** What `sessions approve` and `sessions deny` share: the answer, and how the turn goes on with it. */
import type { z } from "zod";
import type { InputAnswer, sessionRoutes } from "../shared/protocol/sessions.ts";
import { KartaCommand } from "./base-command.ts";
import { ReplyPrinter } from "./chat/reply-printer.ts";
import type { KartaClient } from "./client/client.ts";
import type { Addressed } from "./client/inputs.ts";
import { routes } from "./client/routes.ts";
import { CLI_EXIT } from "../shared/exit-codes.ts";
import { oneLine } from "./render/harmless.ts";
import { answerCommands, decisionPhrase, inputPhrase } from "./render/input.ts";

export type Continuation = z.output<typeof sessionRoutes.resolveInput.response>;

export abstract class AnswerCommand extends KartaCommand {
  /**
   * Gives the answer, and prints it and what the turn did next, up to its end or its next pause.
   * @throws KartaError for a turn that failed afterwards; with `--json` the exit code alone says so
   */
  protected async give(client: KartaClient, to: Addressed, answer: InputAnswer): Promise<Continuation> {
    const { sessionId, requestId, input } = to;
    const continuation = await client.call(routes.resolveInput, {
      params: { id: sessionId, request_id: requestId },
      body: answer,
    });
    const what = input === null ? oneLine(requestId) : inputPhrase(input);
    const answers = Object.values(answer.answers ?? {}).map(oneLine);
    const { decision } = answer;
    const said = decisionPhrase(answers.length > 0 ? "question" : "tool_use", { decision, by: "client" });
    this.print(`${said}: ${[what, ...answers].join(" → ")}`);
    if (this.jsonEnabled()) {
      if (continuation.events.at(-1)?.type === "error") process.exitCode = CLI_EXIT.failed;
    } else this.tell(continuation);
    return continuation;
  }

  private tell({ session, events }: Continuation): void {
    const printer = new ReplyPrinter({ words: process.stdout, asides: process.stderr }, this.paint);
    for (const event of events) if (event.type !== "input_required") printer.show(event);
    printer.endLine();
    const waiting = session.pending_input;
    if (waiting === null) return;
    this.print(`the turn waits for another approval: ${inputPhrase(waiting)}`);
    const { approve, deny } = answerCommands(session.id, waiting);
    this.note(`  ${approve}\n  ${deny}`);
  }
}
