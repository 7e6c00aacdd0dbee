import { resolve } from "node:path";
import * as Args from "@oclif/core/args";
import type { ProjectReport } from "../../../shared/protocol/projects.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { oneLine } from "../../render/harmless.ts";
import { foundText, issueLines } from "../../render/project.ts";

export default class ProjectCheck extends KartaCommand {
  static override summary = "Validate a folder and register nothing.";
  static override description =
    "Shows what `project add` would find. Exits with 5 when the folder could not be registered.";
  static override examples = ["<%= config.bin %> project check ./app"];
  static override args = {
    dir: Args.string({ ignoreStdin: true, required: true, description: "the harness folder" }),
  };

  async run(): Promise<ProjectReport> {
    const { args, flags } = await this.parse(ProjectCheck);
    const report = await this.connect(flags).call(routes.checkProject, { body: { path: resolve(args.dir) } });
    const { project, harness_binary: binary, warnings } = report;
    const program =
      binary === null
        ? this.paint("red", "missing")
        : `${oneLine(binary.version)} at ${oneLine(binary.path)}, ${oneLine(binary.protocol)}`;
    this.print(`${this.paint("bold", project.name)} can be registered\n`);
    this.print(foundText(project, this.paint, [["program", program]]));
    if (warnings.length > 0)
      this.print(`\n${this.paint("yellow", "Warnings:")}\n${issueLines(warnings).join("\n")}`);
    return report;
  }
}
