/** What a tool's input may name as a path: its texts, the words of its commands, the names of its fields. */
import path from "node:path";
import { fileURLToPath } from "node:url";

/** One text of an input that may be a path. */
export interface NamedPath {
  readonly text: string;
  /** A folder that is searched: whatever lies below it is read. */
  readonly isSearched: boolean;
}

/** Names of inputs that are commands: their words are looked at as well. */
const COMMANDS = new Set(["command", "cmd", "script", "args"]);
/** `PATH_MAX`: what is longer is no path. */
const LONGEST_PATH = 4096;
/** Deeper input is no tool's. */
const DEEPEST = 12;
/** Texts and names of an input; more is no tool's. */
const MOST_TEXTS = 2000;
/** Of a command. Whoever writes longer ones to hide a path could hide it in a variable, too. */
const MOST_WORDS = 200;

/** @returns null: the input is deeper, or has more texts, than is looked at */
export function namedPaths(input: unknown, kept: readonly string[]): readonly NamedPath[] | null {
  const found: NamedPath[] = [];
  let texts = 0;
  const take = (text: string, isSearched: boolean): void => {
    const trimmed = text.trim(); // as tools do
    for (const one of trimmed === text ? [text] : [text, trimmed])
      if (one.length <= LONGEST_PATH && !/[\n\0]/.test(one)) found.push({ text: one, isSearched });
  };
  /** @returns false: too much */
  const read = (value: unknown, key: string, isSearch: boolean, depth: number): boolean => {
    if (typeof value === "string") {
      texts += 1;
      const isCommand = COMMANDS.has(key);
      if (isCommand) for (const word of wordsOf(value, kept)) take(word, false);
      if (isCommand && /\s/.test(value.trim())) return texts <= MOST_TEXTS; // several words are no path
      if (key === "glob") take(globBase(value), isSearch);
      // What is searched for is seldom a path, and never a folder to search in.
      else take(value, isSearch && key !== "pattern");
      return texts <= MOST_TEXTS;
    }
    if (typeof value !== "object" || value === null) return true;
    if (depth === DEEPEST) return false;
    if (Array.isArray(value)) return value.every((item) => read(item, key, isSearch, depth + 1));
    return Object.entries(value).every(([name, item]) => {
      texts += 1;
      take(name, false); // a map of files: path → content
      return texts <= MOST_TEXTS && read(item, name, "pattern" in value, depth + 1);
    });
  };
  return read(input, "", false, 0) ? found : null;
}

/** In a command: every text that goes on from a kept place's path, and the words that look like a path. */
function wordsOf(command: string, kept: readonly string[]): string[] {
  const words = command.split(/[\s'"`;|&<>()=]+/).filter((word) => /^~|[/]|^\.\.$|^\$\{?HOME/.test(word));
  const places = kept.flatMap((place) => {
    const found: string[] = [];
    for (let at = command.indexOf(place); at !== -1; at = command.indexOf(place, at + 1))
      found.push(/^[^\s'"`;|&<>()]*/.exec(command.slice(at))?.[0] ?? place);
    return found;
  });
  return [...places, ...words.slice(0, MOST_WORDS)];
}

/** The folder that a pattern of files begins in. */
function globBase(pattern: string): string {
  const parts = pattern.trim().split("/");
  const first = parts.findIndex((part) => /[*?[{]/.test(part));
  const base = first === -1 ? parts : parts.slice(0, first);
  return base.length === 1 && base[0] === "" ? "/" : base.join("/");
}

/** A text as an absolute path, as a tool or a shell would take it. */
export function asPath(text: string, { cwd, home }: { readonly cwd: string; readonly home: string }): string {
  const there = text.replace(/^(?:~|\$HOME|\$\{HOME\})(?=\/|$)/, () => home);
  try {
    return /^file:/i.test(there) ? fileURLToPath(there) : path.resolve(cwd, there);
  } catch {
    return path.resolve(cwd, there); // no file's URL
  }
}
