import * as Flags from "@oclif/core/flags";
import { CLI_EXIT } from "../../../shared/exit-codes.ts";
import { KartaCommand } from "../../base-command.ts";
import { KartaClient } from "../../client/client.ts";
import { runningStatus } from "../../kartad/start.ts";
import { oneLine } from "../../render/harmless.ts";
import { details } from "../../render/table.ts";
import { ownService, type ServiceState } from "../../service/service.ts";
import { SYSTEM_SOCKET } from "../../service/settings.ts";

interface Answer extends ServiceState {
  readonly unit: string;
  /** Null: not asked, since asking a stopped kartad's socket would start it. */
  readonly answers: boolean | null;
  readonly url: string | null;
}

export default class ServiceStatus extends KartaCommand {
  static override summary = "Show whether the service is installed, runs and answers.";
  static override description =
    "Exits with 4 when it is not installed, and with 3 when it does not answer. A kartad that is stopped is not asked: that would start it.";
  static override examples = [
    "<%= config.bin %> service status",
    "<%= config.bin %> service status --system --json",
  ];
  static override flags = { system: Flags.boolean({ summary: "The system's service, not yours." }) };

  async run(): Promise<Answer> {
    const { flags } = await this.parse(ServiceStatus);
    const manager = ownService(flags);
    const state = await manager.state();
    const client = new KartaClient({ socket: flags.system ? SYSTEM_SOCKET : this.socket(flags) });
    const running = state.pid === null ? null : await runningStatus(client);
    const answers = state.pid === null ? null : running !== null;
    if (!state.installed) process.exitCode = CLI_EXIT.not_found;
    else if (answers !== true) process.exitCode = CLI_EXIT.no_daemon;
    const rows: [string, string][] = [
      [
        "service",
        state.installed
          ? manager.unit
          : `not installed; \`karta service install${flags.system ? " --system" : ""}\` does`,
      ],
      ...(flags.system ? [["socket", `${client.socket} (root: karta … --socket)`] as [string, string]] : []),
      ["state", state.state ?? "unknown"],
      ["at boot", state.enabled === null ? "unknown" : state.enabled ? "starts" : "does not start"],
      [
        "answers",
        answers === null
          ? "not asked"
          : answers
            ? `yes, at ${running?.url ?? ""}`
            : `no, on ${client.socket}`,
      ],
      ...state.notes.map((note): [string, string] => ["note", note]),
    ];
    this.print(
      details(
        rows.map(([name, value]) => [name, oneLine(value)]),
        this.paint,
      ),
    );
    return { unit: manager.unit, ...state, answers, url: running?.url ?? null };
  }
}
