import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { confirm } from "../../confirm.ts";
import { oneLine } from "../../render/harmless.ts";
import { count } from "../../render/units.ts";

export default class ProjectRemove extends KartaCommand {
  static override summary = "Forget a project; its folder is left alone.";
  static override description =
    "Its sessions are archived. Asks first on a terminal; elsewhere --yes is needed.";
  static override examples = [
    "<%= config.bin %> project remove support-bot",
    "<%= config.bin %> project remove support-bot --yes",
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "the project's name" }),
  };
  static override flags = { yes: Flags.boolean({ char: "y", summary: "Do not ask." }) };

  async run(): Promise<{ removed: boolean; archived_sessions: number }> {
    const { args, flags } = await this.parse(ProjectRemove);
    const client = this.connect(flags);
    const params = { name: args.name };
    if (!flags.yes) {
      // Asked for first, so that a name that does not exist is said before any question.
      const project = await client.call(routes.getProject, { params });
      const question = `Remove ${oneLine(project.name)} and archive its ${count(project.sessions, "session")}?`;
      if (!(await confirm(question))) {
        this.print("Nothing was removed.");
        return { removed: false, archived_sessions: 0 };
      }
    }
    const { archived_sessions } = await client.call(routes.removeProject, { params });
    this.print(`${oneLine(args.name)} is removed; ${count(archived_sessions, "session")} archived`);
    return { removed: true, archived_sessions };
  }
}
