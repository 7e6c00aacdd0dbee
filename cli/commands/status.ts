import type { Status as DaemonStatus } from "../../shared/protocol/control.ts";
import { CLI_EXIT } from "../../shared/exit-codes.ts";
import { KartaCommand } from "../base-command.ts";
import { NoDaemonError } from "../client/errors.ts";
import { routes } from "../client/routes.ts";
import { statusText } from "../render/status.ts";

type Answer = ({ running: true } & DaemonStatus) | { running: false; socket: string; detail: string };

export default class Status extends KartaCommand {
  static override summary = "Show whether the daemon runs, and how it is.";
  static override description =
    'Exits with 3 when no daemon answers; with --json that is an answer too: {"running": false}.';
  static override examples = ["<%= config.bin %> status", "<%= config.bin %> status --json"];

  async run(): Promise<Answer> {
    const { flags } = await this.parse(Status);
    const client = this.connect(flags);
    try {
      const status = await client.call(routes.status);
      this.print(statusText(status, this.paint));
      return { running: true, ...status };
    } catch (error) {
      if (!(error instanceof NoDaemonError) || !this.jsonEnabled()) throw error;
      process.exitCode = CLI_EXIT.no_daemon;
      return { running: false, socket: client.socket, detail: error.message };
    }
  }
}
