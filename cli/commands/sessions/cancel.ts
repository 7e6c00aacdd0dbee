import * as Args from "@oclif/core/args";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { resolveSession } from "../../client/sessions.ts";
import { oneLine } from "../../render/harmless.ts";

export default class SessionsCancel extends KartaCommand {
  static override summary = "Cancel a session's running turn.";
  static override description = "The session stays. Exits with 5 when no turn is running.";
  static override examples = ["<%= config.bin %> sessions cancel ab12"];
  static override args = {
    id: Args.string({ ignoreStdin: true, required: true, description: "the session's id, or its start" }),
  };

  async run(): Promise<{ turn_id: string }> {
    const { args, flags } = await this.parse(SessionsCancel);
    const client = this.connect(flags);
    const answer = await client.call(routes.cancelTurn, {
      params: { id: await resolveSession(client, args.id) },
    });
    this.print(`${oneLine(answer.turn_id)} is being cancelled`);
    return answer;
  }
}
