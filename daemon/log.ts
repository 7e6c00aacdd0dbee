/** kartad's log: structured lines in a rotated file, readable ones on standard error in the foreground. */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import pino, { type DestinationStream, type Logger } from "pino";
import buildRollingFile, { type RollingFile } from "pino-roll";
import { LogLineSchema, type LogLevel, type LogLine } from "../shared/protocol/control.ts";

/** Five files of 10 MB besides the current one. */
const FILE_SIZE = "10m";
const OLD_FILES = 5;
/** Lines that a full disk did not take wait for room, up to so many bytes; those after them are left out. */
const UNWRITTEN_BYTES = 1024 * 1024;
/** Lines that one read of the log may return: the newest. */
const MAX_LINES = 5000;

/** Fields that are never written, wherever they stand. Values are not searched: nothing logs a value it does not know. */
const REDACTED = ["authorization", "apiKey", "token", "password", "secret", "env"].flatMap((name) => [
  name,
  `*.${name}`,
]);

export interface LogFilter {
  readonly level: LogLevel | null;
  readonly project: string | null;
  /** Milliseconds since the epoch. */
  readonly since: number | null;
}

export type LineListener = (line: LogLine) => void;

/** Owner: main.ts. `close()` frees the file. */
export class Log {
  readonly logger: Logger;
  readonly folder: string;
  readonly #file: RollingFile;
  readonly #followers = new Set<LineListener>();

  private constructor(options: {
    folder: string;
    file: RollingFile;
    level: LogLevel;
    /** Readable lines go here too; null: to the file alone. */
    terminal: DestinationStream | null;
  }) {
    this.folder = options.folder;
    this.#file = options.file;
    const streams: pino.StreamEntry[] = [
      { level: "trace", stream: options.file },
      { level: "trace", stream: { write: (line) => this.#tellFollowers(line) } },
    ];
    if (options.terminal !== null) streams.push({ level: "trace", stream: options.terminal });
    this.logger = pino(
      { level: options.level, base: null, redact: { paths: REDACTED, censor: "[redacted]" } },
      pino.multistream(streams),
    );
  }

  /** @param foreground readable lines on standard error too */
  static async open(options: { stateHome: string; level: LogLevel; foreground: boolean }): Promise<Log> {
    const folder = path.join(options.stateHome, "logs");
    const file = await buildRollingFile({
      file: path.join(folder, "kartad"),
      extension: ".log",
      size: FILE_SIZE,
      mkdir: true,
      // A line is on disk when the call returns: nothing is lost by a crash, and a start that fails can end at once.
      sync: true,
      maxLength: UNWRITTEN_BYTES,
      mode: 0o600,
      limit: { count: OLD_FILES, removeOtherLogFiles: true },
    });
    file.on("error", () => undefined); // a full disk must not end kartad; standard error still has the line
    const terminal = options.foreground ? await readable() : null;
    return new Log({ folder, file, level: options.level, terminal });
  }

  /** The newest lines that match, oldest first. */
  async read(filter: LogFilter): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for (const file of await this.#files()) {
      for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
        const line = parseLine(text);
        if (line === null || !matches(line, filter)) continue;
        lines.push(line);
        if (lines.length > MAX_LINES) lines.shift();
      }
    }
    return lines;
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
    this.#file.end();
  }

  #tellFollowers(text: string): void {
    if (this.#followers.size === 0) return;
    const line = parseLine(text);
    if (line !== null) for (const follower of this.#followers) follower(line);
  }

  async #files(): Promise<string[]> {
    const numbered = (await readdir(this.folder)).flatMap((name) => {
      const match = /^kartad\.(\d+)\.log$/.exec(name);
      return match ? [{ name, number: Number(match[1]) }] : [];
    });
    return numbered.sort((a, b) => a.number - b.number).map(({ name }) => path.join(this.folder, name));
  }
}

async function readable(): Promise<DestinationStream> {
  const { default: pinoPretty } = await import("pino-pretty"); // a background kartad never needs it
  return pinoPretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY && !("NO_COLOR" in process.stderr),
    translateTime: "SYS:HH:MM:ss",
    ignore: "part,pid,hostname",
    singleLine: true,
  });
}

function parseLine(text: string): LogLine | null {
  try {
    const parsed = LogLineSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // a line that a crash cut short
  }
}

function matches(line: LogLine, filter: LogFilter): boolean {
  if (filter.level !== null && line.level < (pino.levels.values[filter.level] ?? 0)) return false;
  if (filter.project !== null && line.project !== filter.project) return false;
  return filter.since === null || line.time >= filter.since;
}
