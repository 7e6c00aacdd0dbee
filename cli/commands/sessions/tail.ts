import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { KartaError } from "../../../shared/errors.ts";
import { EVENT_TYPES, type SessionEvent } from "../../../shared/events.ts";
import type { Session } from "../../../shared/protocol/sessions.ts";
import { KartaCommand } from "../../base-command.ts";
import type { KartaClient } from "../../client/client.ts";
import { badUsage } from "../../client/errors.ts";
import { EventFilter } from "../../client/event-filter.ts";
import { routes } from "../../client/routes.ts";
import { resolveSession } from "../../client/sessions.ts";
import { tail } from "../../client/tail.ts";
import { terminalColumns } from "../../environment.ts";
import { interruption } from "../../interrupt.ts";
import { eventLine } from "../../render/event.ts";
import { oneLine } from "../../render/harmless.ts";

export default class SessionsTail extends KartaCommand {
  static override summary = "Watch events live, of one session or of all.";
  static override description =
    "One line an event, or one JSON event a line with --json. It waits through a restart of the daemon and goes on without a gap. Ctrl-C ends it; --turn ends with its turn, and --no-follow with what is stored.";
  static override examples = [
    "<%= config.bin %> sessions tail",
    "<%= config.bin %> sessions tail ab12 --since 0",
    "<%= config.bin %> sessions tail ab12 --turn turn_cd34",
    "<%= config.bin %> sessions tail --project support-bot --type tool_use,error",
    "<%= config.bin %> sessions tail ab12 --no-follow --json",
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
    type: Flags.option({
      options: EVENT_TYPES,
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ",",
      summary: "Only events of this type; may be a list, or given several times.",
      helpValue: "TYPE",
    })(),
    "include-system": Flags.boolean({ summary: "Show harness internals too." }),
    turn: Flags.string({
      summary: "Only this turn of the session, from its beginning to its end; its id may be shortened.",
      helpValue: "TURN",
    }),
    follow: Flags.boolean({
      allowNo: true,
      default: true,
      summary: "Go on live; --no-follow ends with what is stored of the session.",
    }),
  };

  async run(): Promise<undefined> {
    const { args, flags } = await this.parse(SessionsTail);
    if (args.id === undefined && (flags.turn !== undefined || !flags.follow))
      throw badUsage(`${flags.follow ? "--turn" : "--no-follow"} needs the session's ID`);
    const client = this.connect(flags);
    const session = args.id === undefined ? null : await this.named(client, args.id);
    // Of something that does not exist, a feed would just stay silent.
    if (flags.project !== undefined)
      await client.call(routes.getProject, { params: { name: flags.project } });

    const wholeTurn = flags.turn === undefined ? undefined : 0;
    const after = flags.since ?? wholeTurn;
    const filter = new EventFilter({
      types: flags.type ?? null,
      includeSystem: flags["include-system"],
      turn: flags.turn ?? null,
    });
    const events =
      session !== null && !flags.follow
        ? client.storedEvents(session.id, flags.since)
        : this.live(client, { session, project: flags.project, after });
    if (flags.turn !== undefined && session?.last_seq === 0) requireTurn(filter, flags.turn);
    for await (const event of events) {
      if (filter.shows(event)) this.show(event);
      if (filter.isOver) return undefined;
      if (flags.turn !== undefined && event.seq === session?.last_seq) requireTurn(filter, flags.turn);
    }
    return undefined;
  }

  private async named(client: KartaClient, typed: string): Promise<Session> {
    return client.call(routes.getSession, { params: { id: await resolveSession(client, typed) } });
  }

  private async *live(
    client: KartaClient,
    scope: { session: Session | null; project: string | undefined; after: number | undefined },
  ): AsyncGenerator<SessionEvent> {
    const { session, project, after } = scope;
    const wanted = {
      ...(session === null ? {} : { session: session.id }),
      ...(project === undefined ? {} : { project }),
      ...(after === undefined ? {} : { after }),
    };
    const onChange = (change: "gone" | "back") => this.noteChange(change);
    for await (const { event } of tail(client, wanted, { signal: interruption(), onChange })) yield event;
  }

  private show(event: SessionEvent): void {
    if (this.jsonEnabled()) this.printJsonLine(event);
    else this.print(eventLine(event, this.paint, terminalColumns()));
  }
}

/** Once all that was stored is seen: a turn that is not among it never comes. @throws KartaError `not_found` */
function requireTurn(filter: EventFilter, turn: string): void {
  if (filter.hasTurn) return;
  throw new KartaError(
    "not_found",
    `the session has no turn ${oneLine(turn)}, or its events are kept no longer`,
  );
}
