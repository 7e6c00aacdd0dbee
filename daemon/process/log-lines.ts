/** What a child prints, as lines of kartad's log: cut, without its secrets, and so many a second. */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

export interface LogLinesOptions {
  readonly log: (line: string) => void;
  /** Told how many lines were left out, once the app is quieter. */
  readonly dropped: (count: number) => void;
  readonly redact: (text: string) => string;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

const MAX_CHARACTERS = 2000;
/** So much more is looked at: a secret at the cut must be whole to be known. */
const MARGIN = 4096;
/** A traceback of an error with causes is under 100 lines; a loop that prints must not fill the disk. */
const LINES_A_SECOND = 100;
/** Bytes. Past it the app waits for the next second with what it prints: reading a flood would take kartad's whole time. */
const BYTES_A_SECOND = 16 * 1024 * 1024;
const NEWLINE = 10;

/** Follows the stream to its end. */
export function logLines(stream: Readable, options: LogLinesOptions): void {
  const { log, redact, now } = options;
  const decoder = new StringDecoder("utf8");
  let rest = "";
  /** True while the rest of an overlong line is passed over. */
  let skipping = false;
  let second = 0;
  let logged = 0;
  let dropped = 0;
  let bytes = 0;
  let pause: NodeJS.Timeout | undefined;

  const begin = (current: number): void => {
    if (dropped > 0) options.dropped(dropped);
    second = current;
    logged = dropped = bytes = 0;
  };
  const write = (line: string): void => {
    if (line.trim() === "") return;
    if (logged >= LINES_A_SECOND) {
      dropped += 1;
      return;
    }
    logged += 1;
    log(redact(line.slice(0, MAX_CHARACTERS + MARGIN)).slice(0, MAX_CHARACTERS));
  };
  const take = (text: string): void => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!skipping) write(line);
      skipping = false;
    }
    if (rest.length <= MAX_CHARACTERS + MARGIN) return;
    if (!skipping) write(rest);
    skipping = true;
    rest = "";
  };
  /** Nothing of it will be logged in this second: only its lines are counted, which costs a fiftieth. */
  const passOver = (chunk: Buffer): void => {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) dropped += 1;
    decoder.end();
    rest = "";
    skipping = chunk.at(-1) !== NEWLINE;
  };
  stream.on("data", (chunk: Buffer) => {
    const current = Math.floor(now() / 1000);
    if (current !== second) begin(current);
    bytes += chunk.length;
    if (logged >= LINES_A_SECOND) passOver(chunk);
    else take(decoder.write(chunk));
    if (bytes < BYTES_A_SECOND || stream.isPaused()) return;
    stream.pause();
    pause = setTimeout(() => stream.resume(), 1000).unref();
  });
  stream.once("close", () => {
    clearTimeout(pause);
    if (rest !== "" && !skipping) write(rest);
    if (dropped > 0) options.dropped(dropped);
  });
  stream.on("error", () => undefined); // the child's exit tells
}
