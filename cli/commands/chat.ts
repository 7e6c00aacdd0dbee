import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import type { CreateSession, Session } from "../../shared/protocol/sessions.ts";
import { KartaCommand } from "../base-command.ts";
import { Conversation } from "../chat/conversation.ts";
import { PromptedLines } from "../chat/prompt.ts";
import { ReplyPrinter } from "../chat/reply-printer.ts";
import type { KartaClient } from "../client/client.ts";
import { badUsage } from "../client/errors.ts";
import { routes } from "../client/routes.ts";
import { resolveSession } from "../client/sessions.ts";
import { failureOf } from "../failure.ts";
import { metadataFlag, readMetadata } from "../metadata.ts";
import { preferredProject } from "../preferences.ts";
import { oneLine } from "../render/harmless.ts";
import { inputPhrase } from "../render/input.ts";

export default class Chat extends KartaCommand {
  static override summary = "Talk to a project from the terminal.";
  static override description =
    "Begins a session, or goes on with one. What the agent asks leave for is asked here. Ctrl-C cancels the reply; at the prompt, Ctrl-C or Ctrl-D ends the chat. Each line of a piped stdin is a message, and approvals are denied there. With --json, each event is one line of JSON.";
  static override examples = [
    "<%= config.bin %> chat support-bot",
    "<%= config.bin %> chat order-lookup --metadata customer=ada --metadata vip:=true",
    "<%= config.bin %> chat --session ab12",
    "echo 'Do you ship free?' | <%= config.bin %> chat support-bot",
  ];
  static override args = {
    project: Args.string({
      ignoreStdin: true,
      description: "the project; else the preferred one, else the daemon's default",
    }),
  };
  static override flags = {
    session: Flags.string({ summary: "Go on with this session.", helpValue: "ID" }),
    agent: Flags.string({ summary: "Begin with this agent of the project." }),
    metadata: metadataFlag,
    thinking: Flags.boolean({ summary: "Show the model's reasoning too." }),
  };

  async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Chat);
    const metadata = readMetadata(flags.metadata);
    if (metadata !== null && flags.session !== undefined)
      throw badUsage("--metadata: a session that is there has its own; leave out --session to begin another");
    const client = this.connect(flags);
    const wanted = { project: args.project, agent: flags.agent, ...(metadata === null ? {} : { metadata }) };
    const session = await this.begin(client, flags.session ?? null, wanted);
    const printer = new ReplyPrinter({ words: process.stdout, asides: process.stderr }, this.paint);
    const noteConnection = this.connectionNotes();
    const person = process.stdin.isTTY;
    const lines: PromptedLines = new PromptedLines({ onInterrupt: () => conversation.interrupt() });
    const conversation: Conversation = new Conversation({
      client,
      sessionId: session.id,
      thinking: flags.thinking,
      onEvent: (event) => {
        if (this.jsonEnabled()) this.printJsonLine(event);
        else if (person && event.type === "input_required") printer.asked(event.data);
        else printer.show(event);
      },
      onError: (error) => this.complain(error),
      onConnection: (change) => {
        if (change === "lost") printer.breakLine();
        noteConnection(change);
      },
      onQueued: () => this.note(this.paint("dim", "· waits for the turn that is on in this session")),
      ask: person
        ? (question, prompt, signal) => lines.ask(question, this.paint("bold", prompt), signal)
        : null,
      onNobody: (input) => this.note(`denied, since nobody can approve on a pipe: ${inputPhrase(input)}`),
    });
    if (person) this.note(this.paint("dim", greeting(session)));
    let failed = false;
    try {
      for (;;) {
        const line = await lines.next(this.paint("bold", "you> "));
        if (line === null) break;
        if (line.trim() !== "" && !(await conversation.say(line))) failed = true;
      }
    } finally {
      lines.close();
    }
    // A person has read what went wrong; a script looks at the exit code.
    if (failed && !person) process.exitCode = 1;
    return undefined;
  }

  private async begin(client: KartaClient, known: string | null, wanted: CreateSession): Promise<Session> {
    if (known !== null)
      return client.call(routes.getSession, { params: { id: await resolveSession(client, known) } });
    const project = wanted.project ?? (await preferredProject()) ?? undefined;
    return client.call(routes.createSession, { body: { ...wanted, project } });
  }

  /** An error of one turn: said, and the chat goes on. */
  private complain(error: unknown): void {
    const { body, lines } = failureOf(error);
    if (this.jsonEnabled()) this.printJsonLine(body);
    else this.note(this.paint("red", lines.join("\n")));
  }
}

function greeting({ project, id }: Session): string {
  return `${oneLine(project.ref)}, session ${oneLine(id)}. Ctrl-C cancels a reply, Ctrl-D ends.`;
}
