/** One agent process that speaks the Agent Client Protocol, and the conversations on it. */
import {
  client,
  methods,
  PROTOCOL_VERSION,
  type ClientConnection,
  type ClientContext,
} from "@agentclientprotocol/sdk";
import { stripVTControlCharacters } from "node:util";
import type { Logger } from "pino";
import { packageVersion } from "../../../shared/paths.ts";
import { maskShapes } from "../../../shared/secret-shapes.ts";
import { logContext, withLogContext } from "../../log/context.ts";
import { headOf, LastWords } from "../../process/last-words.ts";
import { logLines } from "../../process/log-lines.ts";
import { describeExit, type ManagedProcess } from "../../process/process.ts";
import { parsePermissionAsked, permissionAnswer, type PermissionAsked } from "./permission.ts";
import { messageStream, NotTheProtocolError } from "./stdio.ts";
import { readReport, type Update } from "./updates.ts";
import { FolderFiles } from "./files.ts";
import { Silence } from "./silence.ts";
import { readTraits, type AgentTraits } from "./traits.ts";
import { TurnsInHand } from "./turns-in-hand.ts";

/** How long an agent has to end one conversation. */
export const CLOSE_MS = 2000;
/** How long the turns of others have on a process that has to be ended. */
const MATES_GRACE_MS = 30_000;
/** Reports of conversations that have no turn: past it the agent is one that does not end. */
const MAX_STRAY = 100_000;

/** What a conversation hears. */
export interface ConversationEars {
  report(update: Update): void;
  permission(asked: PermissionAsked, signal: AbortSignal): Promise<ReturnType<typeof permissionAnswer>>;
}

export interface ConnectionOptions {
  readonly process: ManagedProcess;
  /** The folder in which its requests for files are answered. */
  readonly cwd: string;
  readonly logger: Logger;
  /** Frees what the agent prints of secrets; left out: of what looks like one. */
  readonly mask?: ((text: string) => string) | undefined;
  /** `MATES_GRACE_MS` when left out. */
  readonly matesGraceMs?: number | undefined;
}

/** Owner: whoever opened it. Freed by `stop()`, or by the process's own death. */
export class AgentConnection {
  readonly process: ManagedProcess;
  readonly #log: Logger;
  readonly #connection: ClientConnection;
  readonly #ears = new Map<string, ConversationEars>();
  /** Of all its conversations. */
  readonly turns = new TurnsInHand();
  /** After a conversation was told again. */
  readonly silence = new Silence();
  readonly #matesGraceMs: number;
  #traits: AgentTraits | null = null;
  readonly #words: LastWords;
  #stray = 0;
  /** Why the connection ended, where it was for what the agent printed. */
  #fault: string | null = null;
  #condemned: Promise<void> | null = null;
  #isStopped = false;

  constructor({ process, cwd, logger, mask = maskShapes, matesGraceMs = MATES_GRACE_MS }: ConnectionOptions) {
    this.process = process;
    this.#log = logger;
    this.#matesGraceMs = matesGraceMs;
    this.#words = new LastWords(mask);
    process.stderr.on("data", (chunk: Buffer | string) => this.#words.add(chunk));
    const { pid } = process;
    const between = logContext();
    logLines(process.stderr, {
      log: (line) => withLogContext(this.turns.onlyContext ?? between, () => logger.debug({ pid }, line)),
      dropped: (lines) => logger.debug({ pid, lines }, "the agent prints too fast; lines were left out"),
      redact: mask,
      now: () => Date.now(),
    });
    const files = new FolderFiles(cwd);
    this.#connection = client({ name: "karta" })
      // First, and synchronous: the SDK calls the first handler at once, so that no report is overtaken by the answer
      // that ends its turn.
      .onNotification(
        methods.client.session.update,
        (params: unknown) => params,
        ({ params }) => this.#hear(params),
      )
      .onRequest(
        methods.client.session.requestPermission,
        parsePermissionAsked,
        async ({ params, signal }) => {
          const ears = this.#ears.get(params.sessionId);
          return ears === undefined ? permissionAnswer(params, "cancelled") : ears.permission(params, signal);
        },
      )
      .onRequest(methods.client.fs.readTextFile, async ({ params }) => ({
        content: await files.read(params.path, params.line ?? null, params.limit ?? null),
      }))
      .onRequest(methods.client.fs.writeTextFile, async ({ params }) => {
        await files.write(params.path, params.content);
        return {};
      })
      .connect(messageStream(process.stdin, process.stdout));
    void this.#connection.closed.then(() => this.#closed());
  }

  /** Null before `initialize`. */
  get traits(): AgentTraits | null {
    return this.#traits;
  }

  /** It can be asked something. */
  isOpen(): boolean {
    return !this.#connection.signal.aborted && this.process.exit === null;
  }

  /** A conversation on it may begin a turn. */
  get takesTurns(): boolean {
    return this.isOpen() && this.#condemned === null;
  }

  /** Asks the agent something. */
  get agent(): ClientContext {
    return this.#connection.agent;
  }

  /** @throws whatever the agent, the stream or the signal says */
  async initialize(signal: AbortSignal): Promise<AgentTraits> {
    const answer: unknown = await this.agent.request(
      methods.agent.initialize,
      {
        protocolVersion: PROTOCOL_VERSION,
        // No terminal: the agent's own shell is in its process group, counted and ended with it.
        clientCapabilities: { fs: { readTextFile: true, writeTextFile: true }, terminal: false },
        clientInfo: { name: "karta", version: packageVersion() },
      },
      { cancellationSignal: signal, stopWaitingOnCancel: true },
    );
    this.#traits = readTraits(answer);
    return this.#traits;
  }

  listen(sessionId: string, ears: ConversationEars): void {
    this.#ears.set(sessionId, ears);
  }

  forget(sessionId: string): void {
    this.#ears.delete(sessionId);
  }

  /** Ends one conversation on it, where the agent can, within two seconds. Never rejects. */
  async closeConversation(sessionId: string): Promise<void> {
    if (!this.isOpen() || this.#traits?.canClose !== true) return;
    const limit = { cancellationSignal: AbortSignal.timeout(CLOSE_MS), stopWaitingOnCancel: true } as const;
    await this.agent
      .request(methods.agent.session.close, { sessionId }, limit)
      .catch((error: unknown) => this.#log.debug({ err: error }, "a conversation was not closed"));
  }

  /** What it did wrong, or how it ended; for people. */
  describeEnd(): string {
    if (this.#fault !== null) return `was ended, since ${this.#fault}`;
    return this.process.exit === null ? "ended its stream" : describeExit(this.process.exit);
  }

  /** In a turn's course: it is over, in the middle of it. @param wasWanted the turn was to end */
  tellDeath(wasWanted: boolean): void {
    if (wasWanted || this.#isStopped || this.#fault !== null) return;
    const { pid } = this.process;
    this.#log.warn(
      { pid, stderr: this.#words.text },
      `the agent ${this.describeEnd()} in the middle of a turn`,
    );
  }

  /**
   * Why it is over, once it is: what its standard error calls an error, else its last line; or how it ended. Null while
   * it is open.
   */
  async lastWords(): Promise<string | null> {
    if (this.isOpen()) return null;
    await this.process.exited;
    const lines = stripVTControlCharacters(this.#words.text).trim().split("\n");
    const line = (lines.find((one) => /\berror\b/i.test(one)) ?? lines.at(-1) ?? "").trim();
    return line === "" || this.#fault !== null ? this.describeEnd() : headOf(line, 500);
  }

  /** Ends an agent that did what no agent may: every turn on it ends as crashed. */
  fail(fault: string): void {
    this.#fault ??= fault;
    this.#connection.close(new NotTheProtocolError(fault));
  }

  /** Ends the process and its group. Resolves when nothing of it is left. */
  async stop(graceMs?: number): Promise<void> {
    this.#isStopped = true;
    this.process.stdin.end();
    await this.process.stop(graceMs);
  }

  /**
   * Ends the process for what one conversation does on it: it takes no further turn, and those of the others may end
   * first, within a bound. Resolves when nothing of it is left.
   */
  condemn(): Promise<void> {
    this.#condemned ??= this.#endAfterTurns();
    return this.#condemned;
  }

  async #endAfterTurns(): Promise<void> {
    const { process, turns } = this;
    this.#log.warn(
      { process_id: process.id, pid: process.pid, other_turns: turns.count },
      "a turn went on after it was cancelled: its process is ended, when the other turns on it are over",
    );
    await Promise.race([turns.over(this.#matesGraceMs), process.exited]);
    if (turns.count > 0)
      this.#fault ??= "another session's turn on the same process did not end when it was cancelled";
    await this.stop();
  }

  #hear(params: unknown): void {
    const report = readReport(params);
    if (report !== null) this.silence.broken(report.sessionId);
    const ears = report === null ? undefined : this.#ears.get(report.sessionId);
    if (ears === undefined) {
      this.#stray += 1;
      if (this.#stray > MAX_STRAY) this.fail("it reports without end what nobody asked for");
    } else if (report?.update) ears.report(report.update);
  }

  #closed(): void {
    const reason: unknown = this.#connection.signal.reason;
    if (reason instanceof NotTheProtocolError) {
      this.#fault ??= reason.message;
      this.#log.warn(
        { process_id: this.process.id, stderr: this.#words.text },
        `the agent is ended: ${this.#fault}`,
      );
    }
    // Its stream is over: it can take no further turn, and must not work on unheard.
    void this.process.stop(reason instanceof NotTheProtocolError ? 0 : undefined);
  }
}
