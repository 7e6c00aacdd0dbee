/** Claude Code's own transcripts: `<config>/projects/<folder>/<thread>.jsonl`. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";

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
      return stat(file).then(
        ({ size }) => (size > 0 ? file : null),
        () => null,
      );
    }),
  );
  return found.find((file) => file !== null) ?? null;
}
