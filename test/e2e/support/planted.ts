/** Secrets that are put everywhere, and everything that kartad and karta write, to look for them. */
import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Random texts by what they were planted as. */
export class Planted {
  readonly #texts = new Map<string, string>();

  /** A new one. `shape`: what is before it, such as `sk-ant-`. */
  plant(what: string, shape = ""): string {
    const text = `${shape}${randomBytes(16).toString("hex")}`;
    return this.know(what, text);
  }

  /** One that somebody else made. */
  know(what: string, text: string): string {
    this.#texts.set(what, text);
    return text;
  }

  get size(): number {
    return this.#texts.size;
  }

  /**
   * What of them is in a text, also in base64 or with only its end or its beginning left.
   * @returns what each was planted as
   */
  foundIn(text: string): string[] {
    return [...this.#texts].flatMap(([what, secret]) => {
      const half = Math.ceil(secret.length / 2);
      const forms = [secret.slice(0, half), secret.slice(-half), base64(secret), base64(`u:${secret}`)];
      // What is told of a credential so that its owner knows it is no secret.
      const shown = secret.startsWith("sk_live_") ? forms.slice(1) : forms;
      return shown.some((form) => text.includes(form)) ? [what] : [];
    });
  }
}

/** Without its last characters, which depend on what comes after it. */
function base64(text: string): string {
  return Buffer.from(text).toString("base64").slice(0, -4);
}

/** Every file below a folder: its path from there, and its bytes as text. */
export function filesBelow(folder: string): { file: string; text: string; mode: number }[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((file) => {
    const place = path.join(folder, file);
    const found = lstatSync(place);
    if (!found.isFile()) return [];
    return [{ file, text: readFileSync(place, "latin1"), mode: found.mode & 0o777 }];
  });
}

/** The command lines of all processes, as `ps` shows them to every user of the machine. */
export function commandLines(): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return ""; // gone meanwhile
      }
    })
    .join("\n");
}
