/**
 * Files that an agent's tools are kept from, whatever its project or people allow: kartad's state, its socket, and
 * credentials of the operator's. What a tool is asked to do is read for paths, and each is followed to where it really
 * leads. That is exact for tools that name a file. A shell can spell a path in ways that nobody reads (a variable, a
 * program of its own): only a sandbox keeps those out.
 */
import { readlink, realpath } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode } from "../../shared/errors.ts";
import { asPath, namedPaths } from "./named-paths.ts";

/** Where a tool is used. */
export interface ToolScene {
  /** What relative paths are meant from. */
  readonly cwd: string;
  readonly home: string;
  /** Inside kept places, what is the session's own all the same. */
  readonly own: readonly string[];
}

/** What /proc shows of a process: these lead elsewhere for the agent than for kartad, which would follow them. */
const OF_PROCESSES =
  /^\/proc\/(?:self|thread-self|\d+)(?:\/task\/\d+)?\/(?:environ|mem|root|cwd|fd|map_files)(?:\/|$)/;

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
    const named = namedPaths(input, kept);
    if (named === null) return TOO_MUCH;
    const folder = [scene.cwd, await realPlace(scene.cwd)];
    for (const { text, isSearched } of named) {
      const written = asPath(text, scene);
      if (isKept(written) || OF_PROCESSES.test(written)) return REFUSAL;
      const real = await realPlace(written);
      if (isKept(real)) return REFUSAL;
      // A search from above would walk in. The session's own folder may lie above: there the harness's rules hold.
      const isAbove = isSearched && kept.some((place) => isIn(place, real));
      if (isAbove && !folder.some((place) => isIn(real, place))) return REFUSAL;
    }
    return null;
  }
}

const REFUSAL = "This is kept from agents: it is Karta's own or its operator's. Work without it.";
const TOO_MUCH =
  "This call has more parts, or deeper ones, than Karta looks through for what is kept from agents. Ask for less at once.";

function isIn(file: string, place: string): boolean {
  return file === place || file.startsWith(place.endsWith(path.sep) ? place : place + path.sep);
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
