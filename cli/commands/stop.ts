import * as Flags from "@oclif/core/flags";
import { KartaCommand } from "../base-command.ts";
import { Progress } from "../kartad/progress.ts";
import { stopAnyKartad } from "../kartad/restart.ts";
import { count } from "../render/units.ts";

export default class Stop extends KartaCommand {
  static override summary = "Stop the daemon, and wait until it is gone.";
  static override description =
    "Running turns are drained first; what is still running at kartad's own deadline is ended. A service is stopped by its manager, and stays installed.";
  static override examples = ["<%= config.bin %> stop", "<%= config.bin %> stop --timeout 10"];
  static override flags = {
    timeout: Flags.integer({ min: 1, default: 60, summary: "Seconds to wait for kartad to end." }),
  };

  async run(): Promise<{ pid: number; running_turns: number }> {
    const { flags } = await this.parse(Stop);
    const progress = new Progress();
    progress.show("stopping kartad…");
    try {
      const before = await stopAnyKartad(this.connect(flags), {
        timeoutSeconds: flags.timeout,
        onDraining: (turns) => progress.show(`stopping kartad… ${count(turns, "turn")} still running`),
      });
      progress.clear();
      const turns = before.sessions.running_turns;
      this.print(
        `kartad (pid ${before.pid}) has stopped; ${turns === 0 ? "no turn was" : `${count(turns, "turn")} ${turns === 1 ? "was" : "were"}`} running`,
      );
      return { pid: before.pid, running_turns: turns };
    } finally {
      progress.clear();
    }
  }
}
