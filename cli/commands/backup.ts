import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { resolve } from "node:path";
import { KartaCommand } from "../base-command.ts";
import { saveBackup } from "../kartad/backup-file.ts";
import { size } from "../render/units.ts";

export default class Backup extends KartaCommand {
  static override summary = "Copy the store to a file, while the daemon runs.";
  static override description =
    "The copy is the store as it is at one moment, in one SQLite file that only you can read. It holds projects' names, sessions, " +
    "their events (what was said) and hashes of keys; no model's key is in it. Project folders and what harnesses keep of " +
    "conversations are not part of it.";
  static override examples = [
    "<%= config.bin %> backup karta.db.backup",
    "<%= config.bin %> backup --force /backups/karta-latest.db",
  ];
  static override args = {
    file: Args.string({ ignoreStdin: true, required: true, description: "the file to write" }),
  };
  static override flags = {
    force: Flags.boolean({ char: "f", summary: "Overwrite the file if it is there." }),
  };

  async run(): Promise<{ file: string; bytes: number }> {
    const { args, flags } = await this.parse(Backup);
    const file = resolve(args.file);
    const bytes = await saveBackup(this.socket(flags), file, flags.force);
    this.print(`The store is in ${file} (${size(bytes)}, for you alone: what was said is in it)`);
    return { file, bytes };
  }
}
