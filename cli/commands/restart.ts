import * as Flags from "@oclif/core/flags";
import type { Status } from "../../shared/protocol/control.ts";
import { KartaCommand } from "../base-command.ts";
import { kartadFlags } from "../kartad/flags.ts";
import { restartKartad } from "../kartad/restart.ts";
import { runningStatus } from "../kartad/start.ts";

export default class Restart extends KartaCommand {
  static override summary = "Stop the daemon and start it again in the background.";
  static override description =
    "Address, port, state folder and --offline stay as they were, unless flags say otherwise. --insecure and --log-level are not remembered. Where no kartad runs, one is started. One that runs as a service is restarted by its manager.";
  static override examples = ["<%= config.bin %> restart", "<%= config.bin %> restart --port 9000"];
  static override flags = {
    ...kartadFlags,
    timeout: Flags.integer({
      min: 1,
      default: 60,
      summary: "Seconds to wait for the one to end, and for the other to answer.",
    }),
  };

  async run(): Promise<Status> {
    const { flags } = await this.parse(Restart);
    const client = this.connect(flags);
    const before = await runningStatus(client);
    const status = await restartKartad(client, before, flags, flags.timeout);
    this.print(
      `kartad ${status.version} is running at ${status.url} (pid ${status.pid})${status.offline ? ", offline" : ""}${before === null ? "; none was running before" : ""}`,
    );
    return status;
  }
}
