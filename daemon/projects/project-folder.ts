/** The folder that is to be a project: is it one at all? */
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { hasCode, reason } from "./folder-files.ts";

export type ProjectFolder =
  { readonly kind: "folder"; readonly root: string } | { readonly kind: "refused"; readonly message: string };

/**
 * Resolves the links of `folder` (absolute) and looks whether it can be a project. The file system's root and the
 * user's home are refused: an agent would be let loose on everything.
 */
export async function openProjectFolder(folder: string, homedir: string): Promise<ProjectFolder> {
  if (!path.isAbsolute(folder)) return refused(`expected an absolute path, found ${JSON.stringify(folder)}`);
  let root: string;
  try {
    root = await realpath(folder);
    if (!(await stat(root)).isDirectory()) return refused("expected a folder, found a file");
    await readdir(root);
  } catch (error) {
    if (hasCode(error) && error.code === "ENOENT") return refused("there is no such folder");
    return refused(`the folder cannot be read: ${reason(error)}`);
  }
  if (path.dirname(root) === root)
    return refused("this is the root of the file system; name a folder made for the project");
  const home = await realpath(homedir).catch(() => homedir);
  if (root === home)
    return refused("this is your home folder; name a folder made for the project, such as ~/my-bot");
  return { kind: "folder", root };
}

function refused(message: string): ProjectFolder {
  return { kind: "refused", message };
}
