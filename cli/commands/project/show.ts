import * as Args from "@oclif/core/args";
import type { Project } from "../../../shared/protocol/projects.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { workerDetails } from "../../render/app-worker.ts";
import { foundText, healthStyle, healthText } from "../../render/project.ts";
import { ago } from "../../render/units.ts";

export default class ProjectShow extends KartaCommand {
  static override summary = "Show one project.";
  static override description =
    "What its folder holds, its health, what its own code is doing and how many sessions it has.";
  static override examples = ["<%= config.bin %> project show support-bot"];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "the project's name" }),
  };

  async run(): Promise<Project> {
    const { args, flags } = await this.parse(ProjectShow);
    const project = await this.connect(flags).call(routes.getProject, { params: { name: args.name } });
    this.print(`${this.paint("bold", project.name)}${project.is_default ? " (default)" : ""}\n`);
    this.print(
      foundText(project, this.paint, [
        ["health", this.paint(healthStyle(project), healthText(project.health))],
        ...workerDetails(project.worker, this.paint),
        ["sessions", String(project.sessions)],
        ["added", ago(project.created_at, Date.now())],
      ]),
    );
    return project;
  }
}
