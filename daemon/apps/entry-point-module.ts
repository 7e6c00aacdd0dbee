/** `module:attribute`, and the files it may mean (spec: karta-toml, `entry_point`). */
import { lstat } from "node:fs/promises";
import path from "node:path";
import type { EntryPoint } from "../../shared/protocol/projects.ts";

export type Buildpack = EntryPoint["buildpack"];

export interface ModuleAttribute {
  /** `app`, `pkg.app` (Python), `src/app` (Node). */
  readonly module: string;
  /** `app`, `server.app`. */
  readonly attribute: string;
}

const NAME = String.raw`[\p{L}_$][\p{L}\p{N}_$]*`;
/** A segment is a file's name: no `..`, no leading dot, nothing absolute. */
const SEGMENT = String.raw`[\p{L}\p{N}_$][\p{L}\p{N}_$.-]*`;
const SPEC = new RegExp(`^(?<module>${SEGMENT}(?:/${SEGMENT})*):(?<attribute>${NAME}(?:\\.${NAME})*)$`, "u");
const PYTHON_MODULE = /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*$/u;

/** Splits `module:attribute`. Null: not of that form. */
export function parseEntryPoint(spec: string): ModuleAttribute | null {
  const groups = SPEC.exec(spec)?.groups;
  const { module, attribute } = groups ?? {};
  return module === undefined || attribute === undefined ? null : { module, attribute };
}

/** The files that `module` may mean, relative to the project's folder, in order of preference. */
export function moduleCandidates(buildpack: Buildpack, module: string): readonly string[] {
  switch (buildpack) {
    case "python": {
      if (!PYTHON_MODULE.test(module)) return [];
      const file = module.replaceAll(".", "/");
      return [path.join(file, "__init__.py"), `${file}.py`]; // a package comes before a module, as in Python itself
    }
    case "node":
      // The name with its ending (`app.mjs:app`) is taken too.
      return [
        ...(/\.[cm]?[jt]s$/.test(module) ? [module] : []),
        ...[".js", ".mjs", ".ts", ".mts", "/index.js"].map((ending) => module + ending),
      ];
  }
}

/** The first candidate that is there (a link counts), relative to `root`; null when none is. */
export async function locateModule(
  root: string,
  buildpack: Buildpack,
  module: string,
): Promise<string | null> {
  for (const candidate of moduleCandidates(buildpack, module)) {
    const found = await lstat(path.join(root, candidate)).catch(() => null);
    if (found !== null && !found.isDirectory()) return candidate;
  }
  return null;
}
