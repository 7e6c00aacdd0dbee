/** Lines from a person with a prompt, or from a pipe without one. */
import { createInterface, type Interface } from "node:readline";
import { PromptScreen } from "./prompt-screen.ts";

export interface PromptOptions {
  /** Ctrl-C. True: it was dealt with, the talk goes on. */
  readonly onInterrupt: () => boolean;
}

/** Lines that came while nobody asked; a pipe can bring more than that, and is read no further then. */
const HELD_LINES = 1000;

/** Owner: the command, which closes it. Ends at Ctrl-D, at the pipe's end, or at a Ctrl-C nobody deals with. */
export class PromptedLines {
  readonly terminal = process.stdin.isTTY;
  readonly #screen = new PromptScreen(process.stdout.isTTY ? process.stdout : process.stderr);
  readonly #reading: Interface;
  readonly #interrupted: () => void;
  readonly #held: string[] = [];
  #taker: ((line: string | null) => void) | null = null;
  #ended = false;

  constructor({ onInterrupt }: PromptOptions) {
    const { terminal } = this;
    this.#reading = createInterface({
      input: process.stdin,
      terminal,
      ...(terminal ? { output: this.#screen.output } : {}),
    });
    this.#interrupted = () => {
      if (onInterrupt()) return;
      this.#held.length = 0;
      this.#reading.close();
      // A pipe that is still open would keep the process.
      process.stdin.destroy();
    };
    this.#reading.on("line", (line) => this.#take(line));
    this.#reading.on("close", () => {
      this.#ended = true;
      this.#give(null);
    });
    this.#reading.on("SIGINT", this.#interrupted); // from a terminal, as a key
    process.on("SIGINT", this.#interrupted); // from `kill`, or with a piped stdin
  }

  /** The next line, one that was typed ahead too; null: there are no more. */
  async next(prompt: string): Promise<string | null> {
    const line = this.#held.shift();
    if (line !== undefined) {
      if (this.terminal) this.#screen.print(`${prompt}${line}\n`); // where it was typed it was not shown
      if (this.#held.length === 0 && !this.#ended) this.#reading.resume();
      return line;
    }
    if (this.#ended) return null;
    this.#show(prompt);
    return this.#wait();
  }

  /**
   * Asks a person in the middle of a reply. A line typed ahead is a message and no answer: only one that comes after
   * the question is taken. Null: withdrawn by `signal`, or there are no more lines.
   */
  async ask(question: string, prompt: string, signal: AbortSignal): Promise<string | null> {
    if (this.#ended || signal.aborted) return null;
    // What was half typed would become the start of the answer.
    this.#reading.write(null, { ctrl: true, name: "e" });
    this.#reading.write(null, { ctrl: true, name: "u" });
    this.#screen.print(`${question}\n`);
    this.#show(prompt);
    const withdraw = () => {
      this.#screen.print("\n");
      this.#give(null);
    };
    signal.addEventListener("abort", withdraw, { once: true });
    try {
      return await this.#wait();
    } finally {
      signal.removeEventListener("abort", withdraw);
    }
  }

  close(): void {
    process.off("SIGINT", this.#interrupted);
    this.#reading.close();
    if (this.terminal) this.#screen.print("\n");
  }

  #show(prompt: string): void {
    if (!this.terminal || this.#ended) return;
    this.#screen.show();
    this.#reading.setPrompt(prompt);
    this.#reading.prompt(true); // what was typed ahead is there, with the cursor behind it
  }

  #wait(): Promise<string | null> {
    return new Promise((resolve) => (this.#taker = resolve));
  }

  #give(line: string | null): boolean {
    const taker = this.#taker;
    this.#taker = null;
    this.#screen.hide();
    taker?.(line);
    return taker !== null;
  }

  #take(line: string): void {
    if (this.#give(line)) return;
    this.#held.push(line);
    if (this.#held.length >= HELD_LINES) this.#reading.pause();
  }
}
