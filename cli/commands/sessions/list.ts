import * as Flags from "@oclif/core/flags";
import type { Session } from "../../../shared/protocol/sessions.ts";
import { KartaCommand } from "../../base-command.ts";
import { sessionColumns } from "../../render/session.ts";

export default class SessionsList extends KartaCommand {
  static override summary = "List sessions, newest first.";
  static override description = "Ids are shown as short as `karta sessions show` and the rest take them.";
  static override examples = [
    "<%= config.bin %> sessions list",
    "<%= config.bin %> sessions list --project support-bot --state active",
  ];
  static override flags = {
    project: Flags.string({ summary: "Only this project's." }),
    state: Flags.option({
      options: ["active", "archived"] as const,
      summary: "Only sessions in this state.",
    })(),
    limit: Flags.integer({ min: 1, default: 50, summary: "At most this many." }),
  };

  async run(): Promise<{ data: Session[]; more: boolean }> {
    const { flags } = await this.parse(SessionsList);
    const filter = {
      ...(flags.project === undefined ? {} : { project: flags.project }),
      ...(flags.state === undefined ? {} : { status: flags.state }),
    };
    const data: Session[] = [];
    let more = false;
    for await (const session of this.connect(flags).eachSession(filter)) {
      more = data.length === flags.limit;
      if (more) break;
      data.push(session);
    }
    if (data.length === 0) this.print("No session; `karta chat` begins one.");
    else this.printTable(data, sessionColumns(data, Date.now()));
    if (more && !this.jsonEnabled())
      this.note(`only the newest ${flags.limit} are shown; --limit shows more`);
    return { data, more };
  }
}
