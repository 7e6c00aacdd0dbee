/** Claude Code's own transcripts: `<config>/projects/<folder>/<thread>.jsonl`. Karta only asks whether one exists. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";

/** True when the conversation can be resumed: a process that died before its first turn leaves no transcript. */
export async function transcriptExists(configDir: string, threadId: string): Promise<boolean> {
  const projects = path.join(configDir, "projects");
  let folders: string[];
  try {
    folders = await readdir(projects);
  } catch {
    return false; // nothing was ever run with this folder
  }
  const found = await Promise.all(
    folders.map((folder) =>
      stat(path.join(projects, folder, `${threadId}.jsonl`)).then(
        (file) => file.size > 0,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
