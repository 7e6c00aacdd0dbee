/** Lines from a person with a prompt, or from a pipe without one. */
import { createInterface } from "node:readline";

export interface PromptOptions {
  readonly prompt: string;
  /** Ctrl-C. True: it was dealt with, the talk goes on. */
  readonly onInterrupt: () => boolean;
}

/** Yields each line; ends at Ctrl-D, at the end of the pipe, or at a Ctrl-C that `onInterrupt` does not deal with. */
export async function* promptedLines({ prompt, onInterrupt }: PromptOptions): AsyncGenerator<string> {
  const terminal = process.stdin.isTTY;
  const screen = process.stdout.isTTY ? process.stdout : process.stderr;
  const reading = createInterface({
    input: process.stdin,
    terminal,
    ...(terminal ? { output: screen, prompt } : {}),
  });
  const interrupted = () => {
    if (onInterrupt()) return;
    reading.close();
    // A pipe that is still open would keep the iteration waiting for its next line.
    process.stdin.destroy();
  };
  reading.on("SIGINT", interrupted); // from a terminal, as a key
  process.on("SIGINT", interrupted); // from `kill`, or with a piped stdin
  try {
    // Taken before the first wait: readline drops the lines that come while nobody iterates.
    const lines = reading[Symbol.asyncIterator]();
    for (;;) {
      if (terminal) reading.prompt();
      const next = await lines.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    process.off("SIGINT", interrupted);
    reading.close();
    if (terminal) screen.write("\n");
  }
}
