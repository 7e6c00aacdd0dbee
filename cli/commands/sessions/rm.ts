import * as Args from "@oclif/core/args";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { resolveSession } from "../../client/sessions.ts";
import { oneLine } from "../../render/harmless.ts";

export default class SessionsRm extends KartaCommand {
  static override summary = "End sessions' processes and archive them.";
  static override description =
    "Every ID is looked up before any session is touched, so a slip in one leaves all as they were.";
  static override examples = ["<%= config.bin %> sessions rm ab12 cd34"];
  static override args = {
    id: Args.string({
      ignoreStdin: true,
      required: true,
      multiple: true,
      description: "the sessions' ids, or their starts",
    }),
  };

  async run(): Promise<{ archived: string[] }> {
    const { args, flags } = await this.parse(SessionsRm);
    const client = this.connect(flags);
    const ids = new Set<string>();
    for (const typed of args.id) ids.add(await resolveSession(client, typed));
    for (const id of ids) {
      await client.call(routes.deleteSession, { params: { id } });
      this.print(`${oneLine(id)} is archived`);
    }
    return { archived: [...ids] };
  }
}
