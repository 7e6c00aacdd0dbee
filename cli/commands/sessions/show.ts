import * as Args from "@oclif/core/args";
import type { Session } from "../../../shared/protocol/sessions.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { resolveSession } from "../../client/sessions.ts";
import { sessionText } from "../../render/session.ts";

export default class SessionsShow extends KartaCommand {
  static override summary = "Show one session.";
  static override description =
    "ID may be shortened to any start that only one session has, with or without `sess_`.";
  static override examples = ["<%= config.bin %> sessions show ab12"];
  static override args = {
    id: Args.string({ ignoreStdin: true, required: true, description: "the session's id, or its start" }),
  };

  async run(): Promise<Session> {
    const { args, flags } = await this.parse(SessionsShow);
    const client = this.connect(flags);
    const session = await client.call(routes.getSession, {
      params: { id: await resolveSession(client, args.id) },
    });
    this.print(sessionText(session, this.paint, Date.now()));
    return session;
  }
}
