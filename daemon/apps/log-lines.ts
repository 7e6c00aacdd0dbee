/** What an app prints, as lines of kartad's log: cut, without the app's secrets, and so many a second. */
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
/** A traceback of an error with causes is under 100 lines; a loop that prints must not fill the disk. */
const LINES_A_SECOND = 100;

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

  const write = (line: string): void => {
    if (line.trim() === "") return;
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      if (dropped > 0) options.dropped(dropped);
      second = current;
      logged = dropped = 0;
    }
    if (logged >= LINES_A_SECOND) {
      dropped += 1;
      return;
    }
    logged += 1;
    log(redact(line));
  };
  const take = (text: string): void => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!skipping) write(line.slice(0, MAX_CHARACTERS));
      skipping = false;
    }
    if (rest.length <= MAX_CHARACTERS) return;
    if (!skipping) write(rest.slice(0, MAX_CHARACTERS));
    skipping = true;
    rest = "";
  };
  stream.on("data", (chunk: Buffer) => take(decoder.write(chunk)));
  stream.once("close", () => {
    if (rest !== "" && !skipping) write(rest);
    if (dropped > 0) options.dropped(dropped);
  });
  stream.on("error", () => undefined); // the child's exit tells
}
