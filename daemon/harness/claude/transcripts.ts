/** Claude Code's own transcripts: `<config>/projects/<folder>/<thread>.jsonl`. */
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";

/** A longer name is cut, and told from others by a hash. */
const LONGEST_NAME = 200;

/** Where Claude Code (2.1) keeps the conversations of what works in a folder. @param cwd links resolved */
export function transcriptFolder(configDir: string, cwd: string): string {
  const plain = cwd.replaceAll(/[^a-zA-Z0-9]/g, "-");
  if (plain.length <= LONGEST_NAME) return path.join(configDir, "projects", plain);
  let hash = 0;
  for (let index = 0; index < cwd.length; index += 1) hash = (hash * 31 + cwd.charCodeAt(index)) | 0;
  const name = `${plain.slice(0, LONGEST_NAME)}-${Math.abs(hash).toString(36)}`;
  return path.join(configDir, "projects", name);
}

/**
 * The transcript of a conversation; null when there is none: a process that died before its first turn leaves none. It
 * is looked for in every folder, since a folder's name says where the process worked, in Claude Code's own spelling.
 */
export async function findTranscript(configDir: string, threadId: string): Promise<string | null> {
  const projects = path.join(configDir, "projects");
  let folders: string[];
  try {
    folders = await readdir(projects);
  } catch {
    return null; // nothing was ever run with this folder
  }
  const found = await Promise.all(
    folders.map((folder) => {
      const file = path.join(projects, folder, `${threadId}.jsonl`);
      // A link is none: agents write to this folder.
      return lstat(file).then(
        (found) => (found.isFile() && found.size > 0 ? file : null),
        () => null,
      );
    }),
  );
  return found.find((file) => file !== null) ?? null;
}
