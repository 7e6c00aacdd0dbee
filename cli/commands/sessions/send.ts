import { text as readText } from "node:stream/consumers";
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { turnError } from "../../../shared/client/errors.ts";
import type { PendingInput, SendMessage, TurnResult } from "../../../shared/protocol/sessions.ts";
import { KartaCommand } from "../../base-command.ts";
import { ReplyPrinter } from "../../chat/reply-printer.ts";
import type { KartaClient } from "../../client/client.ts";
import { badUsage } from "../../client/errors.ts";
import { routes } from "../../client/routes.ts";
import { resolveSession } from "../../client/sessions.ts";
import { interruption } from "../../interrupt.ts";
import { harmless } from "../../render/harmless.ts";
import { answerCommands, inputPhrase } from "../../render/input.ts";

/** The shell's number for a command that Ctrl-C ended. */
const INTERRUPTED = 130;

export default class SessionsSend extends KartaCommand {
  static override summary = "Send a message and print the reply.";
  static override description =
    "The reply is printed token by token; tool uses go to stderr. With --json or --no-stream it is printed when it is complete. An approval that the turn waits for is told on stderr, with the command that gives it. Ctrl-C leaves, and the turn goes on.";
  static override examples = [
    '<%= config.bin %> sessions send ab12 "Do you ship free?"',
    "<%= config.bin %> sessions send ab12 - < question.txt",
  ];
  static override args = {
    id: Args.string({ ignoreStdin: true, required: true, description: "the session's id, or its start" }),
    text: Args.string({
      ignoreStdin: true,
      required: true,
      description: "the message; - reads it from stdin",
    }),
  };
  static override flags = {
    stream: Flags.boolean({ allowNo: true, default: true, summary: "Print the reply as it arrives." }),
    thinking: Flags.boolean({ summary: "Show the model's reasoning too, on stderr." }),
    agent: Flags.string({ summary: "The agent that answers this turn." }),
  };

  async run(): Promise<TurnResult | undefined> {
    const { args, flags } = await this.parse(SessionsSend);
    const client = this.connect(flags);
    const message: SendMessage = {
      text: args.text === "-" ? await stdinText() : args.text,
      thinking: flags.thinking,
      ...(flags.agent === undefined ? {} : { agent: flags.agent }),
    };
    const id = await resolveSession(client, args.id);
    const leaving = interruption();
    try {
      if (this.jsonEnabled() || !flags.stream) return await this.whole(client, id, message, leaving);
      const printer = new ReplyPrinter({ words: process.stdout, asides: process.stderr }, this.paint);
      const note = this.connectionNotes();
      const onConnection = (change: "open" | "lost") => {
        if (change === "lost") printer.breakLine();
        note(change);
      };
      for await (const event of client.turn(id, message, { signal: leaving, onConnection })) {
        printer.show(event);
        if (event.type === "input_required") this.tellHowToAnswer(id, event.data);
      }
      return undefined;
    } catch (error) {
      if (!leaving.aborted) throw error;
      this.note(
        `\nthe turn goes on; \`karta sessions tail ${id}\` watches it, \`karta sessions cancel ${id}\` stops it`,
      );
      process.exitCode = INTERRUPTED;
      return undefined;
    }
  }

  private async whole(
    client: KartaClient,
    id: string,
    message: SendMessage,
    signal: AbortSignal,
  ): Promise<TurnResult> {
    const { last_seq: after } = await client.call(routes.getSession, { params: { id }, signal });
    const first = await client.send(id, message, signal);
    const result =
      first.pending_input === undefined ? first : await this.afterPauses(client, { first, after, signal });
    this.print(harmless(result.text));
    return result;
  }

  /** The daemon answers at the turn's first pause; the feed has the rest. */
  private async afterPauses(
    client: KartaClient,
    { first, after, signal }: { first: TurnResult; after: number; signal: AbortSignal },
  ): Promise<TurnResult> {
    const { session_id: id, turn_id: turnId } = first;
    const options = { signal, onConnection: this.connectionNotes() };
    for await (const event of client.restOfTurn({ id, turnId, after }, options)) {
      if (event.type === "input_required") {
        this.note(`waits for an answer: ${inputPhrase(event.data)}`);
        this.tellHowToAnswer(id, event.data);
      }
      if (event.type === "error") throw turnError(event);
      if (event.type !== "done") continue;
      const { pending_input: _, ...told } = first;
      const { message, status, usage } = event.data;
      const asked = first.messages.filter(({ role }) => role === "user");
      return { ...told, text: message.text, status, messages: [...asked, message], usage };
    }
    return first; // not reached: the feed ends with the turn, or throws
  }

  private tellHowToAnswer(id: string, input: PendingInput): void {
    const { approve, deny } = answerCommands(id, input);
    this.note(`  ${approve}\n  ${deny}`);
  }
}

async function stdinText(): Promise<string> {
  const text = (await readText(process.stdin)).replace(/\r?\n$/, "");
  if (text === "") throw badUsage("stdin holds no text to send");
  return text;
}
