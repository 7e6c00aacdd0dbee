import * as Args from "@oclif/core/args";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { resolveSession } from "../../client/sessions.ts";
import { oneLine } from "../../render/harmless.ts";

export default class SessionsCancel extends KartaCommand {
  static override summary = "Cancel a session's turn: the running one, or the one that is named.";
  static override description =
    "The session stays. A turn that waits in the session's queue can be named too; the `message` events that `karta sessions tail` shows carry their ids with --json. Exits with 5 when there is no such turn running or waiting, and with 4 when there never was.";
  static override examples = [
    "<%= config.bin %> sessions cancel ab12",
    "<%= config.bin %> sessions cancel ab12 turn_2k4…",
  ];
  static override args = {
    id: Args.string({ ignoreStdin: true, required: true, description: "the session's id, or its start" }),
    turn: Args.string({ ignoreStdin: true, description: "the turn's id; without it, the running turn" }),
  };

  async run(): Promise<{ turn_id: string }> {
    const { args, flags } = await this.parse(SessionsCancel);
    const client = this.connect(flags);
    const answer = await client.call(routes.cancelTurn, {
      params: { id: await resolveSession(client, args.id) },
      body: args.turn === undefined ? {} : { turn_id: args.turn },
    });
    this.print(`${oneLine(answer.turn_id)} is being cancelled`);
    return answer;
  }
}
