import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { EVENT_DATA } from "../../../shared/events.ts";
import { KartaCommand } from "../../base-command.ts";
import type { KartaClient } from "../../client/client.ts";
import { routes } from "../../client/routes.ts";
import { resolveSession } from "../../client/sessions.ts";
import { tail, type TailFilter } from "../../client/tail.ts";
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
    const filter = await this.filter(client, { id: args.id, project: flags.project, since: flags.since });
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

  /** Asks after what is named first: a feed of something that does not exist would just stay silent. */
  private async filter(
    client: KartaClient,
    named: { id: string | undefined; project: string | undefined; since: number | undefined },
  ): Promise<TailFilter> {
    const { id, project, since } = named;
    const session = id === undefined ? null : await resolveSession(client, id);
    if (session !== null) await client.call(routes.getSession, { params: { id: session } });
    if (project !== undefined) await client.call(routes.getProject, { params: { name: project } });
    return {
      ...(session === null ? {} : { session }),
      ...(project === undefined ? {} : { project }),
      ...(since === undefined ? {} : { after: since }),
    };
  }
}
