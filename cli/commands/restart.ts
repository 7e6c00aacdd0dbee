import * as Flags from "@oclif/core/flags";
import type { Status } from "../../shared/protocol/control.ts";
import { KartaCommand } from "../base-command.ts";
import { kartadFlags } from "../kartad/flags.ts";
import { Progress } from "../kartad/progress.ts";
import { sameFlags } from "../kartad/settings.ts";
import { runningStatus, startKartad } from "../kartad/start.ts";
import { stopKartad } from "../kartad/stop.ts";
import { count } from "../render/units.ts";

export default class Restart extends KartaCommand {
  static override summary = "Stop the daemon and start it again in the background.";
  static override description =
    "Address, port, state folder and --offline stay as they were, unless flags say otherwise. --insecure and --log-level are not remembered. Where no kartad runs, one is started.";
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
    const progress = new Progress();
    const before = await runningStatus(client);
    try {
      if (before !== null) {
        await stopKartad(client, {
          timeoutSeconds: flags.timeout,
          onDraining: (turns) => progress.show(`stopping kartad… ${count(turns, "turn")} still running`),
        });
      }
      progress.show("starting kartad…");
      const status = await startKartad(
        client,
        before === null ? flags : sameFlags(before, flags),
        flags.timeout,
      );
      progress.clear();
      this.print(
        `kartad ${status.version} is running at ${status.url} (pid ${status.pid})${status.offline ? ", offline" : ""}${before === null ? "; none was running before" : ""}`,
      );
      return status;
    } finally {
      progress.clear();
    }
  }
}
