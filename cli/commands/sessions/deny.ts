import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { AnswerCommand, type Continuation } from "../../answer-command.ts";
import { addressed } from "../../client/inputs.ts";

export default class SessionsDeny extends AnswerCommand {
  static override summary = "Deny what a session's agent asks for.";
  static override description =
    "The turn goes on without it; prints how. Exits with 5 when nothing waits, or when it was answered before.";
  static override examples = [
    "<%= config.bin %> sessions deny ab12",
    '<%= config.bin %> sessions deny ab12 --message "Not on a Friday."',
  ];
  static override args = {
    id: Args.string({ ignoreStdin: true, required: true, description: "the session's id, or its start" }),
    req: Args.string({ ignoreStdin: true, description: "the request's id; without it, the one that waits" }),
  };
  static override flags = {
    message: Flags.string({ summary: "What the agent is told.", helpValue: "TEXT" }),
  };

  async run(): Promise<Continuation> {
    const { args, flags } = await this.parse(SessionsDeny);
    const client = this.connect(flags);
    return this.give(client, await addressed(client, args), {
      decision: "deny",
      ...(flags.message === undefined ? {} : { message: flags.message }),
    });
  }
}
