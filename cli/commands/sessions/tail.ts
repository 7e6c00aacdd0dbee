import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { EVENT_DATA } from "../../../shared/events.ts";
import { KartaCommand } from "../../base-command.ts";
import { resolveSession } from "../../client/sessions.ts";
import { tail } from "../../client/tail.ts";
import { terminalColumns } from "../../environment.ts";
import { interruption } from "../../interrupt.ts";
import { eventLine } from "../../render/event.ts";

export default class SessionsTail extends KartaCommand {
  static override summary = "Watch events live, of one session or of all.";
  static override description =
    "One line an event, or one JSON event a line with --json. It waits through a restart of the daemon and goes on without a gap. Ctrl-C ends it.";
  static override examples = [
    "<%= config.bin %> sessions tail",
    "<%= config.bin %> sessions tail ab12 --since 0",
    "<%= config.bin %> sessions tail --project support-bot --type tool_use --type error",
  ];
  static override args = {
    id: Args.string({
      ignoreStdin: true,
      description: "the session's id, or its start; without it, all sessions",
    }),
  };
  static override flags = {
    project: Flags.string({ summary: "Only this project's sessions." }),
    since: Flags.integer({ min: 0, summary: "Show the events after this seq first.", helpValue: "SEQ" }),
    type: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      options: Object.keys(EVENT_DATA),
      summary: "Only events of this type; may be given several times.",
      helpValue: "TYPE",
    }),
  };

  async run(): Promise<undefined> {
    const { args, flags } = await this.parse(SessionsTail);
    const client = this.connect(flags);
    const filter = {
      ...(args.id === undefined ? {} : { session: await resolveSession(client, args.id) }),
      ...(flags.project === undefined ? {} : { project: flags.project }),
      ...(flags.since === undefined ? {} : { after: flags.since }),
    };
    const types = flags.type === undefined ? null : new Set(flags.type);
    const items = tail(client, filter, {
      signal: interruption(),
      onChange: (change) => this.noteChange(change),
    });
    for await (const { event } of items) {
      if (types !== null && !types.has(event.type)) continue;
      if (this.jsonEnabled()) this.printJsonLine(event);
      else this.print(eventLine(event, this.paint, terminalColumns()));
    }
    return undefined;
  }
}
