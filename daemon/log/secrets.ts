/**
 * The values that must never be written down, as far as kartad knows them: credentials of its own environment, what projects
 * bind and configure. Whatever leaves kartad as a log line, an error or a report goes through `mask`.
 */
import { isSecretName, maskShapes } from "../../shared/secret-shapes.ts";

/** Shorter ones (`1`, `dev`) are no secrets, and replacing them would garble every message. */
const SHORTEST = 8;
/** Longer ones (a certificate) are known by their beginning. */
const LONGEST = 4096;
/** Folders whose values are kept, those read last; and values in all. */
const MOST_OWNERS = 256;
const MOST_VALUES = 2000;

/** Owner: the log. */
export class Secrets {
  /** By owner (a folder, or the environment): value → name. */
  readonly #owners = new Map<string, ReadonlyMap<string, string>>();
  #names = new Map<string, string>();
  #known: RegExp | null = null;

  /** @param env the daemon's environment; of it the variables count whose names say so */
  constructor(env: Readonly<Record<string, string | undefined>> = {}) {
    const found = Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && isSecretName(name) ? [[name, value] as const] : [],
    );
    this.learn("environment", found);
  }

  /** What an owner's secrets are from now on; those that it had before are forgotten. */
  readonly learn = (owner: string, values: Iterable<readonly [name: string, value: string]>): void => {
    const mine = new Map<string, string>();
    for (const [name, value] of values)
      for (const form of formsOf(value))
        if (form.length >= SHORTEST) mine.set(form, name.replace(/[^\w.-]/g, "_").slice(0, 64));
    this.#owners.delete(owner); // it comes last
    this.#owners.set(owner, mine);
    for (const oldest of this.#owners.keys()) {
      if (this.#owners.size <= MOST_OWNERS) break;
      if (oldest !== "environment") this.#owners.delete(oldest);
    }
    this.#prepare();
  };

  /** The text with each secret replaced by its name in angle brackets, and without what looks like a credential. */
  readonly mask = (text: string): string => {
    const known = this.#known;
    const named =
      known === null ? text : text.replace(known, (value) => `<${this.#names.get(value) ?? "secret"}>`);
    return maskShapes(named);
  };

  #prepare(): void {
    this.#names = new Map([...this.#owners.values()].reverse().flatMap((values) => [...values]));
    // Longest first, since one value may contain another.
    const values = [...this.#names.keys()].sort((a, b) => b.length - a.length).slice(0, MOST_VALUES);
    this.#known = values.length === 0 ? null : new RegExp(values.map(literal).join("|"), "g");
  }
}

/** As it is, as a URL has it, as JSON has it (also that of a text which is JSON itself), and each line of several. */
function formsOf(value: string): Set<string> {
  const whole = value.trim().slice(0, LONGEST);
  const parts = whole.includes("\n") ? whole.split(/\r?\n/).map((line) => line.trim()) : [];
  return new Set(
    [whole, ...parts].flatMap((text) => [text, uriForm(text), jsonForm(text), jsonForm(jsonForm(text))]),
  );
}

function jsonForm(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The text as a pattern that stands for itself. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function uriForm(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
