import * as Args from "@oclif/core/args";
import type { Project } from "../../../shared/protocol/projects.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";

export default class ProjectDefault extends KartaCommand {
  static override summary = "Use this project where a session names none.";
  static override description =
    "For every client of this daemon. `karta config set project NAME` is the same for `karta chat` alone.";
  static override examples = ["<%= config.bin %> project default support-bot"];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "the project's name" }),
  };

  async run(): Promise<Project> {
    const { args, flags } = await this.parse(ProjectDefault);
    const project = await this.connect(flags).call(routes.setDefaultProject, { params: { name: args.name } });
    this.print(`${project.name} is the default project`);
    return project;
  }
}
