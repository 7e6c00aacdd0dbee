/** `entry_point` and `buildpack` of karta.toml: their form, and the file they mean. Whether it loads is daemon/apps's. */
import type { EntryPoint } from "../../shared/protocol/projects.ts";
import { locateModule, parseEntryPoint } from "../apps/entry-point-module.ts";
import type { Findings } from "./findings.ts";
import { locate } from "./folder-files.ts";
import type { KartaToml } from "./manifest-schema.ts";

/**
 * Null: there is none, or it is wrong (the findings say how). Without a buildpack, the module's file decides. A module
 * that is missing under a given buildpack is left for the check of the entry point, which says where it looked.
 */
export async function declaredEntryPoint(
  root: string,
  toml: KartaToml,
  findings: Findings,
): Promise<EntryPoint | null> {
  const { entry_point: spec, buildpack } = toml;
  if (spec === undefined) {
    if (buildpack !== undefined) {
      findings.warn(
        "karta.toml: buildpack",
        'there is no entry_point for it to load; add one, such as entry_point = "app:app"',
      );
    }
    return null;
  }
  const target = parseEntryPoint(spec);
  if (target === null) {
    findings.refuse(
      "karta.toml: entry_point",
      `expected "module:attribute", such as "app:app", found ${JSON.stringify(spec)}`,
    );
    return null;
  }

  const files = {
    python: await locateModule(root, "python", target.module),
    node: await locateModule(root, "node", target.module),
  };
  const chosen = buildpack ?? inferBuildpack(files);
  if (chosen === null) {
    const found =
      files.python !== null && files.node !== null
        ? `${files.python} and ${files.node} are both there`
        : `neither ${target.module}.py nor ${target.module}.js (.mjs, .ts, .mts) is there`;
    findings.refuse(
      "karta.toml: buildpack",
      `expected "python" or "node" to load ${spec} with, since ${found}; add it`,
    );
    return null;
  }
  const file = files[chosen];
  if (file !== null) {
    const located = await locate(root, file);
    if (located.kind === "refused") findings.refuse(file, located.message);
  }
  return { spec, buildpack: chosen };
}

function inferBuildpack(
  files: Readonly<Record<EntryPoint["buildpack"], string | null>>,
): EntryPoint["buildpack"] | null {
  if (files.python !== null && files.node === null) return "python";
  if (files.node !== null && files.python === null) return "node";
  return null;
}
