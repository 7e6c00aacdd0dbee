/**
 * Files that an agent's tools are kept from, whatever its project or people allow: kartad's state, its socket, and
 * credentials of the operator's. What a tool is asked to do is read for paths, and each is followed to where it really
 * leads. That is exact for tools that name a file. A shell can spell a path in ways that nobody reads (a variable, a
 * program of its own): only a sandbox keeps those out.
 */
import { readlink, realpath } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { systemErrorCode } from "../../shared/errors.ts";

/** Where a tool is used. */
export interface ToolScene {
  /** What relative paths are meant from. */
  readonly cwd: string;
  readonly home: string;
  /** Inside kept places, what is the session's own all the same. */
  readonly own: readonly string[];
}

/** Names of inputs that are commands; all others are a path at most. */
const COMMANDS = new Set(["command", "cmd", "script", "args"]);
/** `PATH_MAX`: what is longer is no path. */
const LONGEST_PATH = 4096;
/** Deeper input is no tool's. */
const DEEPEST = 8;

/** Owner: the composition root. */
export class KeptPlaces {
  /** Of these, those in which nothing is ever a session's own: for rules of a harness's own, which know no exceptions. */
  readonly sealed: readonly string[];
  /** Of these, those that hold sessions' own things among others. */
  readonly mixed: readonly string[];
  readonly #places: readonly string[];
  #real: Promise<readonly string[]> | null = null;

  /** @param options absolute paths of files, or of folders with all that is in them */
  constructor(options: { readonly sealed: readonly string[]; readonly mixed: readonly string[] }) {
    this.sealed = options.sealed;
    this.mixed = options.mixed;
    this.#places = [...options.sealed, ...options.mixed];
  }

  /** @returns what the agent is told instead of a result; null: nothing in the input leads to a kept place */
  async refusal(input: unknown, scene: ToolScene): Promise<string | null> {
    const kept = [...new Set([...this.#places, ...(await (this.#real ??= realPlaces(this.#places)))])];
    const own = [...scene.own, ...(await realPlaces(scene.own))];
    const isKept = (file: string): boolean =>
      kept.some((place) => isIn(file, place)) && !own.some((place) => isIn(file, place));
    const isSearch = typeof input === "object" && input !== null && "pattern" in input;
    for (const { key, text } of textsOf(input)) {
      if (COMMANDS.has(key)) {
        if (pathsNamed(text, kept).some((file) => isKept(path.resolve(scene.cwd, file)))) return REFUSAL;
      } else if (text.length <= LONGEST_PATH && !/[\n\0]/.test(text)) {
        const written = asPath(text, scene);
        const real = await realPlace(written);
        if (isKept(written) || isKept(real)) return REFUSAL;
        // A search from above would walk in. The session's own folder may lie above: there the harness's rules hold.
        const isAbove = key === "path" && kept.some((place) => isIn(place, real));
        if (isSearch && isAbove && !isIn(real, scene.cwd)) return REFUSAL;
      }
    }
    return null;
  }
}

const REFUSAL = "This is kept from agents: it is Karta's own or its operator's. Work without it.";

function isIn(file: string, place: string): boolean {
  return file === place || file.startsWith(place.endsWith(path.sep) ? place : place + path.sep);
}

function* textsOf(input: unknown, key = "", depth = 0): Generator<{ key: string; text: string }> {
  if (typeof input === "string") yield { key, text: input };
  else if (typeof input === "object" && input !== null && depth < DEEPEST) {
    for (const [name, value] of Object.entries(input))
      yield* textsOf(value, Array.isArray(input) ? key : name, depth + 1);
  }
}

/** In a command: every word that goes on from a kept place's path. */
function pathsNamed(command: string, kept: readonly string[]): string[] {
  return kept.flatMap((place) => {
    const found: string[] = [];
    for (let at = command.indexOf(place); at !== -1; at = command.indexOf(place, at + 1))
      found.push(/^[^\s'"`;|&<>()]*/.exec(command.slice(at))?.[0] ?? place);
    return found;
  });
}

function asPath(text: string, { cwd, home }: ToolScene): string {
  if (text.startsWith("~/")) return path.join(home, text.slice(2));
  try {
    return text.startsWith("file:") ? fileURLToPath(text) : path.resolve(cwd, text);
  } catch {
    return path.resolve(cwd, text); // no file's URL
  }
}

function realPlaces(places: readonly string[]): Promise<string[]> {
  return Promise.all(places.map(realPlace));
}

/** Where a path leads; parts that are not there are as they are written. */
async function realPlace(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    // What cannot be followed (a loop, a folder that may not be entered) cannot be opened by an agent either.
    if (systemErrorCode(error) !== "ENOENT" && systemErrorCode(error) !== "ENOTDIR") return file;
    const parent = path.dirname(file);
    // A link to nothing yet: what is written through it lands where it leads.
    const target = await readlink(file).catch(() => null);
    if (target !== null) return realPlace(path.resolve(parent, target));
    return parent === file ? file : path.join(await realPlace(parent), path.basename(file));
  }
}
