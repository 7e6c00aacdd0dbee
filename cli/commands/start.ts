import * as Flags from "@oclif/core/flags";
import type { Status } from "../../shared/protocol/control.ts";
import { KartaCommand } from "../base-command.ts";
import { CliError } from "../client/errors.ts";
import { kartadFlags } from "../kartad/flags.ts";
import { differences } from "../kartad/settings.ts";
import { startAnyKartad } from "../kartad/restart.ts";
import { runningStatus } from "../kartad/start.ts";

export default class Start extends KartaCommand {
  static override summary = "Start the daemon in the background.";
  static override description =
    "Waits until kartad answers. When it is already running this says so; with flags that the running one does not have it is refused. An installed service is started by its manager.";
  static override examples = ["<%= config.bin %> start", "<%= config.bin %> start --port 9000 --offline"];
  static override flags = {
    ...kartadFlags,
    timeout: Flags.integer({ min: 1, default: 60, summary: "Seconds to wait for kartad to answer." }),
  };

  async run(): Promise<Status & { already_running: boolean }> {
    const { flags } = await this.parse(Start);
    const client = this.connect(flags);
    const running = await runningStatus(client);
    if (running !== null) {
      const differing = differences(running, flags);
      if (differing.length > 0) {
        throw new CliError(
          "already_running",
          `kartad is already running at ${running.url} without ${differing.join(" ")}; \`karta restart ${differing.join(" ")}\` changes it`,
          { fields: { url: running.url, pid: running.pid } },
        );
      }
      this.print(`kartad ${running.version} is already running at ${running.url} (pid ${running.pid})`);
      return { ...running, already_running: true };
    }
    const status = await startAnyKartad(client, flags, flags.timeout);
    this.print(
      `kartad ${status.version} is running at ${status.url} (pid ${status.pid})${status.offline ? ", offline" : ""}`,
    );
    return { ...status, already_running: false };
  }
}
