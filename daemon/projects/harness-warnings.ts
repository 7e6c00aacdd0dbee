/** What is to be said of a project's harness when its folder is registered or checked. */
import satisfies from "semver/functions/satisfies.js";
import validRange from "semver/ranges/valid.js";
import type { Issue } from "../../shared/errors.ts";
import type { HarnessBinary } from "../harness/harness.ts";
import type { ProjectDefinition } from "./definition.ts";

/** A program that is missing, or a harness range that the installed one does not meet. */
export function programWarnings(definition: ProjectDefinition, binary: HarnessBinary): Issue[] {
  if (binary.kind === "missing") return [{ path: `harness ${definition.harness}`, message: binary.detail }];
  const { version } = definition.manifest.harness;
  if (version === null || validRange(version) === null || satisfies(binary.version, version)) return [];
  return [
    {
      path: "karta.toml: harness.version",
      message: `expected ${definition.harness} ${version}, found ${binary.version} installed`,
    },
  ];
}
