import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { AnswerCommand, type Continuation } from "../../answer-command.ts";
import { addressed, readAnswers } from "../../client/inputs.ts";

export default class SessionsApprove extends AnswerCommand {
  static override summary = "Approve what a session's agent asks for, or answer its question.";
  static override description =
    "Prints how the turn goes on, up to its end or its next approval. Exits with 5 when nothing waits, or when it was answered before.";
  static override examples = [
    "<%= config.bin %> sessions approve ab12",
    "<%= config.bin %> sessions approve ab12 --session",
    '<%= config.bin %> sessions approve ab12 --answer "Which roast?=Midnight"',
  ];
  static override args = {
    id: Args.string({ ignoreStdin: true, required: true, description: "the session's id, or its start" }),
    req: Args.string({ ignoreStdin: true, description: "the request's id; without it, the one that waits" }),
  };
  static override flags = {
    session: Flags.boolean({ summary: "Approve what is like it for the rest of the session too." }),
    answer: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      summary: "The answer to a question; may be given once for each.",
      helpValue: "QUESTION=TEXT",
    }),
  };

  async run(): Promise<Continuation> {
    const { args, flags } = await this.parse(SessionsApprove);
    const client = this.connect(flags);
    const to = await addressed(client, args);
    const answers = readAnswers(flags.answer ?? [], to);
    return this.give(client, to, {
      decision: flags.session ? "approve_session" : "approve_once",
      ...(answers === undefined ? {} : { answers }),
    });
  }
}
