import type { Status } from "../../shared/protocol/control.ts";
import { KartaCommand } from "../base-command.ts";
import { routes } from "../client/routes.ts";
import { poolColumns, poolText } from "../render/pool.ts";

export default class Pool extends KartaCommand {
  static override summary = "Show the agent processes, and how the pool has done.";
  static override description =
    "A spare waits for a new session. MEMORY is a process with its children; where several sessions share one, they have its PID in common.";
  static override examples = ["<%= config.bin %> pool", "<%= config.bin %> pool --json"];

  async run(): Promise<Pick<Status, "processes" | "pool">> {
    const { flags } = await this.parse(Pool);
    const status = await this.connect(flags).call(routes.status);
    const { processes, pool } = status;
    if (processes.length > 0) this.printTable(processes, poolColumns(processes));
    this.print(poolText(status, this.paint));
    return { processes, pool };
  }
}
