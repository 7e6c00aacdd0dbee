/**
 * Writes `dist/oclif.manifest.json`: every command's flags, arguments and help, so that `karta` loads the module of
 * one command and not of all. Part of the build, after tsc; the file is a build result and never committed.
 * As a program, it does so for this package.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { Plugin } from "@oclif/core/config";
import type { PJSON } from "@oclif/core/interfaces";

/**
 * @param root the package's folder
 * @param dist the folder that tsc wrote, where `cli/commands` is
 * @returns the file that was written
 * @throws what a command's module throws when it is loaded: a broken command fails the build
 */
export async function writeOclifManifest(root: string, dist = path.join(root, "dist")): Promise<string> {
  const pjson: unknown = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  if (!isPackage(pjson)) throw new Error("package.json lacks its name, version or oclif key");
  const plugin = new Plugin({
    root: dist,
    pjson,
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
  });
  await plugin.load();
  const file = path.join(dist, "oclif.manifest.json");
  await writeFile(file, `${JSON.stringify(plugin.manifest)}\n`);
  return file;
}

function isPackage(value: unknown): value is PJSON {
  return (
    typeof value === "object" && value !== null && "name" in value && "version" in value && "oclif" in value
  );
}

if (import.meta.main) await writeOclifManifest(path.resolve(import.meta.dirname, "../.."));
