import { resolve } from "node:path";
import * as Args from "@oclif/core/args";
import type { AddProjectResult } from "../../../shared/protocol/projects.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { runningStatus } from "../../kartad/start.ts";
import { foundText, healthText, issueLines, nextSteps } from "../../render/project.ts";

export default class ProjectAdd extends KartaCommand {
  static override summary = "Register a folder as a project.";
  static override description =
    "Validates the folder, registers it and shows what was found. The same folder under the same name may be added again. Without NAME, karta.toml's name is used, else the folder's.";
  static override examples = ["<%= config.bin %> project add ./app support-bot"];
  static override args = {
    dir: Args.string({ ignoreStdin: true, required: true, description: "the harness folder" }),
    name: Args.string({ ignoreStdin: true, description: "lowercase letters, digits and hyphens" }),
  };

  async run(): Promise<AddProjectResult> {
    const { args, flags } = await this.parse(ProjectAdd);
    const client = this.connect(flags);
    const result = await client.call(routes.addProject, {
      body: { path: resolve(args.dir), ...(args.name === undefined ? {} : { name: args.name }) },
    });
    const { project, created, warnings } = result;
    if (this.jsonEnabled()) return result;
    this.print(
      `${this.paint("bold", project.name)} is registered${created ? "" : " already; it was read again"}\n`,
    );
    this.print(foundText(project, this.paint, [["health", healthText(project.health)]]));
    if (warnings.length > 0)
      this.print(`\n${this.paint("yellow", "Warnings:")}\n${issueLines(warnings).join("\n")}`);
    const status = await runningStatus(client);
    const { data: keys } = await client.call(routes.listKeys);
    this.print(`\n${nextSteps(project.name, status?.url ?? null, keys.length > 0)}`);
    return result;
  }
}
