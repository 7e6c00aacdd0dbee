import * as Flags from "@oclif/core/flags";
import path from "node:path";
import { stateHome } from "../../shared/paths.ts";
import { LogLevelSchema, MOST_LOG_LINES, type LogLine, type LogsQuery } from "../../shared/protocol/logs.ts";
import { KartaCommand } from "../base-command.ts";
import type { KartaClient } from "../client/client.ts";
import { badUsage, CliError, NoDaemonError } from "../client/errors.ts";
import { followLogs } from "../client/logs.ts";
import { routes } from "../client/routes.ts";
import { environment } from "../environment.ts";
import { interruption } from "../interrupt.ts";
import { oneLine } from "../render/harmless.ts";
import { logLine } from "../../shared/terminal/log-line.ts";
import { momentBefore } from "../render/units.ts";

export default class Logs extends KartaCommand {
  static override summary = "Show the daemon's log.";
  static override description =
    "Readable lines, or with --json the daemon's own JSON lines. With -f it goes on until Ctrl-C, through restarts. " +
    "Ids may be shortened, and typed without their prefix. A request's id is its answer's X-Request-Id header.";
  static override examples = [
    "<%= config.bin %> logs --since 10m",
    "<%= config.bin %> logs -f --level warn --project support-bot",
    "<%= config.bin %> logs -n 50 --session ab12",
    "<%= config.bin %> logs --request req_cd34 --json",
  ];
  static override flags = {
    follow: Flags.boolean({ char: "f", summary: "Go on with new lines as they come." }),
    lines: Flags.integer({
      char: "n",
      min: 1,
      max: MOST_LOG_LINES,
      summary: "Only the newest N lines; with -f, those to begin with (10).",
      helpValue: "N",
    }),
    level: Flags.option({
      options: LogLevelSchema.options,
      summary: "Only lines of this level and above.",
    })(),
    project: Flags.string({ summary: "Only lines about this project." }),
    session: Flags.string({ summary: "Only lines about this session.", helpValue: "ID" }),
    turn: Flags.string({ summary: "Only lines of this turn.", helpValue: "ID" }),
    request: Flags.string({
      summary: "Only lines of this HTTP request, and of the turn that it began.",
      helpValue: "ID",
    }),
    since: Flags.string({
      summary: "Only lines from then on: 90s, 10m, 2h30m, 1d, or a date.",
      helpValue: "10m",
    }),
  };

  async run(): Promise<undefined> {
    const { flags } = await this.parse(Logs);
    const { level, project, session, turn, request, lines } = flags;
    const client = this.connect(flags);
    const given = { level, project, session, turn, request, lines };
    const query: LogsQuery = {
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      ...(flags.since === undefined ? {} : { since: moment(flags.since) }),
    };
    try {
      if (flags.follow) await this.#follow(client, query);
      else await this.#show(client, query);
    } catch (error) {
      throw error instanceof NoDaemonError ? withPlaces(error) : error;
    }
    return undefined;
  }

  async #show(client: KartaClient, query: LogsQuery): Promise<void> {
    const { data, older } = await client.call(routes.logs, { query });
    for (const line of data) this.#print(line);
    if (older) this.note(`kartad keeps its newest lines alone; \`${oneLine(older)}\` has the rest`);
  }

  async #follow(client: KartaClient, query: LogsQuery): Promise<void> {
    const lines = followLogs(client, query, {
      signal: interruption(),
      onChange: (change) => this.noteChange(change),
    });
    for await (const line of lines) this.#print(line);
  }

  #print(line: LogLine): void {
    if (this.jsonEnabled()) this.printJsonLine(line);
    else this.print(logLine(line, this.paint));
  }
}

/** Nobody can be asked, but what the last kartad said is still there. */
function withPlaces(error: NoDaemonError): CliError {
  const files = path.join(stateHome(environment), "logs");
  const journal =
    environment.platform === "linux" ? "; a service's are in `journalctl --user -u kartad` too" : "";
  return new CliError(error.code, `${error.message}. The lines of the last one are in ${files}${journal}`, {
    fields: { ...error.fields, log_folder: files },
    cause: error,
  });
}

function moment(typed: string): number {
  const milliseconds = momentBefore(typed, Date.now());
  if (milliseconds === null)
    throw badUsage(`--since takes a span like 10m or 2h30m, or a date; not ${JSON.stringify(typed)}`);
  return milliseconds;
}
