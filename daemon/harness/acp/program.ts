/** Where an agent's program is: npm's package for this platform beside Karta, else the PATH. */
import { accessSync, constants, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Preset } from "./presets.ts";

export interface Program {
  /** Absolute. */
  readonly path: string;
  readonly args: readonly string[];
}

export type FoundProgram =
  | { readonly kind: "found"; readonly program: Program }
  /** `detail`: what was looked for and what to do. */
  | { readonly kind: "missing"; readonly detail: string };

export interface ProgramSearch {
  readonly preset: Preset;
  /** `[harness] command`; null where the preset knows its own. */
  readonly command: readonly string[] | null;
  /** The folder against which a command such as `./agent` is meant. */
  readonly cwd: string | null;
  readonly searchPath: string;
}

export function findProgram({ preset, command, cwd, searchPath }: ProgramSearch): FoundProgram {
  const [own] = preset.commands;
  if (command === null && preset.npm !== null && own !== undefined) {
    const file = inPackage(preset.npm);
    if (file !== null) return { kind: "found", program: { path: file, args: own.slice(1) } };
  }
  const wanted = command === null ? preset.commands : [command];
  for (const [name, ...args] of wanted) {
    const file = name === undefined ? null : locate(name, cwd, searchPath);
    if (file !== null) return { kind: "found", program: { path: file, args } };
  }
  const names = wanted.map(([name]) => name ?? "").join(" or ");
  const place = names.includes("/") ? "" : " on the PATH that kartad was started with";
  return {
    kind: "missing",
    detail: `${preset.title} needs the program ${names}, and there is none${place}; ${preset.install}`,
  };
}

function inPackage({ name, file }: { readonly name: string; readonly file: string }): string | null {
  const require = createRequire(import.meta.url);
  for (const variant of [name, `${name}-musl`, `${name}-baseline`]) {
    try {
      return path.join(path.dirname(require.resolve(`${variant}/package.json`)), file);
    } catch {
      continue; // this platform's package is not installed
    }
  }
  return null;
}

/** As a shell looks a command up: a name with a slash is a path. */
function locate(name: string, cwd: string | null, searchPath: string): string | null {
  if (path.isAbsolute(name)) return isProgram(name) ? name : null;
  if (name.includes("/")) {
    const file = cwd === null ? null : path.resolve(cwd, name);
    return file !== null && isProgram(file) ? file : null;
  }
  return (
    searchPath
      .split(path.delimiter)
      .filter((folder) => path.isAbsolute(folder))
      .map((folder) => path.join(folder, name))
      .find(isProgram) ?? null
  );
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
