/**
 * kartad's log: structured lines in a rotated file or in the journal, readable ones on standard error in the foreground.
 * Every line goes through `cleanLine` before it goes anywhere.
 */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import pino, { type DestinationStream, type Logger } from "pino";
import buildRollingFile, { type RollingFile } from "pino-roll";
import { MOST_LOG_LINES, type LogLevel, type LogLine } from "../shared/protocol/logs.ts";
import { logLine } from "../shared/terminal/log-line.ts";
import { painter } from "../shared/terminal/paint.ts";
import { logContext } from "./log/context.ts";
import { parseLine, readNewest } from "./log/files.ts";
import { matches, type LogFilter } from "./log/filter.ts";
import { journalLine } from "./log/journal.ts";
import { cleanLine } from "./log/line.ts";
import { RecentLines } from "./log/recent.ts";
import { Secrets } from "./log/secrets.ts";

/** Five files of 10 MB besides the current one. */
const FILE_SIZE = "10m";
const OLD_FILES = 5;
/** Lines that a full disk did not take wait for room, up to so many bytes; those after them are left out. */
const UNWRITTEN_BYTES = 1024 * 1024;

export type LineListener = (line: LogLine) => void;

/**
 * What standard error shows. `readable`: lines for people. `journal`: for systemd's journal, which is behind it.
 * `nothing`: the log is somewhere else.
 */
export type StandardError = "readable" | "journal" | "nothing";

export interface LogOptions {
  readonly stateHome: string;
  readonly level: LogLevel;
  /** False: no file is written; standard error is the log, and only the newest lines can be read back. */
  readonly toFile: boolean;
  readonly standardError: StandardError;
  /** The daemon's environment: its credentials are kept out of every line. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where lines are that are not kept here: a command that reads them; null where that is not known. */
  readonly elsewhere: string | null;
  /** Of a file before it is rotated; 10 MB when left out. As pino-roll has it: `10m`. */
  readonly fileSize?: string;
}

/** Owner: main.ts. `close()` frees the file. */
export class Log {
  readonly logger: Logger;
  readonly secrets: Secrets;
  readonly #folder: string;
  readonly #file: RollingFile | null;
  readonly #recent: RecentLines | null;
  readonly #elsewhere: string | null;
  readonly #show: ((line: LogLine) => void) | null;
  readonly #followers = new Set<LineListener>();

  private constructor(options: LogOptions, folder: string, file: RollingFile | null) {
    this.#folder = folder;
    this.#file = file;
    this.#recent = file === null ? new RecentLines() : null;
    this.#elsewhere = options.elsewhere;
    this.#show = shownOn(options);
    this.secrets = new Secrets(options.env);
    const destination: DestinationStream = { write: (text) => this.#take(text) };
    this.logger = pino(
      {
        level: options.level,
        base: null,
        mixin: (_fields, _level, logger) => unbound(logger),
        mixinMergeStrategy: (fields: object, context: object) => ({ ...context, ...fields }),
      },
      destination,
    );
  }

  static async open(options: LogOptions): Promise<Log> {
    const folder = path.join(options.stateHome, "logs");
    if (!options.toFile) return new Log(options, folder, null);
    await mkdir(folder, { recursive: true, mode: 0o700 }); // pino-roll's own would go by the umask
    const file = await buildRollingFile({
      file: path.join(folder, "kartad"),
      extension: ".log",
      size: options.fileSize ?? FILE_SIZE,
      mkdir: false,
      // A line is on disk when the call returns: nothing is lost by a crash, and a start that fails can end at once.
      sync: true,
      maxLength: UNWRITTEN_BYTES,
      mode: 0o600,
      limit: { count: OLD_FILES, removeOtherLogFiles: true },
    });
    file.on("error", () => undefined); // a full disk must not end kartad; standard error still has the line
    return new Log(options, folder, file);
  }

  /** A command that reads lines which `read` no longer has; null where it has all that are kept. */
  get older(): string | null {
    return this.#file === null ? this.#elsewhere : null;
  }

  /** The newest lines that match, oldest first. */
  async read(filter: LogFilter, lines = MOST_LOG_LINES): Promise<LogLine[]> {
    const wants = (line: LogLine): boolean => matches(line, filter);
    if (this.#recent !== null) return this.#recent.all.filter(wants).slice(-lines);
    return readNewest(this.#folder, { since: filter.since, most: lines, wants });
  }

  /** Calls back for each new line that matches, until the returned function is called. */
  follow(filter: LogFilter, listener: LineListener): () => void {
    const follower: LineListener = (line) => {
      if (matches(line, filter)) listener(line);
    };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Nothing is flushed: each line was written when it came, and sonic-boom's `flushSync` would try a full disk for ever. */
  close(): void {
    this.#file?.end();
  }

  #take(text: string): void {
    const clean = cleanLine(text, this.secrets.mask);
    this.#file?.write(clean);
    if (this.#show === null && this.#recent === null && this.#followers.size === 0) return;
    const line = parseLine(clean);
    if (line === null) return;
    this.#show?.(line);
    this.#recent?.add(line, clean.length);
    for (const follower of this.#followers) follower(line);
  }
}

/** The context's fields, but those that the logger itself has: no name stands twice in a line. */
function unbound(logger: Logger): object {
  const fields = Object.entries(logContext());
  if (fields.length === 0) return {};
  const bound = logger.bindings();
  return Object.fromEntries(fields.filter(([name]) => !(name in bound)));
}

function shownOn({ standardError, env }: LogOptions): ((line: LogLine) => void) | null {
  switch (standardError) {
    case "nothing":
      return null;
    case "journal": {
      const output = standardErrorStream();
      return (line) => output.write(journalLine(line));
    }
    case "readable": {
      const output = standardErrorStream();
      const paint = painter(process.stderr.isTTY && !env.NO_COLOR);
      return (line) => output.write(`${logLine(line, paint)}\n`);
    }
  }
}

/** At once, so that a kartad that ends has said it. */
function standardErrorStream(): DestinationStream {
  const output = pino.destination({ dest: 2, sync: true });
  output.on("error", () => undefined); // a pipe whose reader is gone must not end kartad
  return output;
}
