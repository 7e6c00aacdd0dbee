import * as Flags from "@oclif/core/flags";
import type { LogLine } from "../../shared/protocol/control.ts";
import { KartaCommand } from "../base-command.ts";
import { badUsage } from "../client/errors.ts";
import { followLogs } from "../client/logs.ts";
import { routes } from "../client/routes.ts";
import { interruption } from "../interrupt.ts";
import { logLine } from "../render/log-line.ts";
import { momentBefore } from "../render/units.ts";

export default class Logs extends KartaCommand {
  static override summary = "Show the daemon's log.";
  static override description =
    "Readable lines, or with --json the daemon's own JSON lines. With -f it goes on until Ctrl-C, through restarts.";
  static override examples = [
    "<%= config.bin %> logs --since 10m",
    "<%= config.bin %> logs -f --level warn --project support-bot",
  ];
  static override flags = {
    follow: Flags.boolean({ char: "f", summary: "Go on with new lines as they come." }),
    level: Flags.option({
      options: ["trace", "debug", "info", "warn", "error", "fatal"] as const,
      summary: "Only lines of this level and above.",
    })(),
    project: Flags.string({ summary: "Only lines about this project." }),
    since: Flags.string({
      summary: "Only lines from then on: 90s, 10m, 2h30m, 1d, or a date.",
      helpValue: "10m",
    }),
  };

  async run(): Promise<undefined> {
    const { flags } = await this.parse(Logs);
    const client = this.connect(flags);
    const query = {
      ...(flags.level === undefined ? {} : { level: flags.level }),
      ...(flags.project === undefined ? {} : { project: flags.project }),
      ...(flags.since === undefined ? {} : { since: moment(flags.since) }),
    };
    if (!flags.follow) {
      const { data } = await client.call(routes.logs, { query });
      for (const line of data) this.show(line);
      return undefined;
    }
    const lines = followLogs(client, query, {
      signal: interruption(),
      onChange: (change) => this.noteChange(change),
    });
    for await (const line of lines) this.show(line);
    return undefined;
  }

  private show(line: LogLine): void {
    if (this.jsonEnabled()) this.printJsonLine(line);
    else this.print(logLine(line, this.paint));
  }
}

function moment(typed: string): number {
  const milliseconds = momentBefore(typed, Date.now());
  if (milliseconds === null)
    throw badUsage(`--since takes a span like 10m or 2h30m, or a date; not ${JSON.stringify(typed)}`);
  return milliseconds;
}
