import type { Project } from "../../../shared/protocol/projects.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { healthStyle } from "../../render/project.ts";
import type { Column } from "../../render/table.ts";

const COLUMNS: readonly Column<Project>[] = [
  { header: "NAME", cell: ({ name, is_default }) => (is_default ? `${name} (default)` : name) },
  { header: "HARNESS", cell: ({ harness }) => harness },
  { header: "AGENTS", cell: ({ agents }) => String(agents.length), align: "right" },
  { header: "SKILLS", cell: ({ skills }) => String(skills.length), align: "right" },
  { header: "SESSIONS", cell: ({ sessions }) => String(sessions), align: "right" },
  { header: "HEALTH", cell: ({ health }) => health.state, style: healthStyle },
  { header: "PATH", cell: ({ path }) => path, shrink: true },
];

export default class ProjectList extends KartaCommand {
  static override summary = "List the registered projects.";
  static override description = "With --json, the projects as the daemon has them.";
  static override examples = ["<%= config.bin %> project list", "<%= config.bin %> project list --json"];

  async run(): Promise<{ data: Project[] }> {
    const { flags } = await this.parse(ProjectList);
    const answer = await this.connect(flags).call(routes.listProjects);
    if (answer.data.length === 0)
      this.print("No project is registered; `karta project add DIR NAME` registers one.");
    else this.printTable(answer.data, COLUMNS);
    return answer;
  }
}
