import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { join, resolve } from "node:path";
import { KartaCommand } from "../base-command.ts";
import { routes } from "../client/routes.ts";
import { saveBackup } from "../kartad/backup-file.ts";
import { size } from "../render/units.ts";

/** What of the state folder a store does not have. */
const LEFT_OUT = {
  keys: "secrets that sign tokens",
  harness: "conversations as harnesses keep them",
  workspaces: "sessions' own copies of folders",
  "kartad.toml": "settings",
} as const;

export default class Backup extends KartaCommand {
  static override summary = "Copy the store to a file, while the daemon runs.";
  static override description =
    "The copy is the store as it is at one moment, in one SQLite file that only you can read. It holds projects' names, sessions, " +
    "their events (what was said) and hashes of keys; no model's key is in it. Not in it: project folders, and in the state folder " +
    "the secrets behind tokens (keys), what harnesses keep of conversations (harness), workspaces and kartad.toml.";
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

  async run(): Promise<{ file: string; bytes: number; left_out: string[] }> {
    const { args, flags } = await this.parse(Backup);
    const file = resolve(args.file);
    const { state_home } = await this.connect(flags).call(routes.status);
    const bytes = await saveBackup(this.socket(flags), file, flags.force);
    this.print(`The store is in ${file} (${size(bytes)}, for you alone: what was said is in it)`);
    this.print(
      `Not in it: project folders, and in ${state_home}: ${Object.entries(LEFT_OUT)
        .map(([name, what]) => `${name} (${what})`)
        .join(", ")}; copy them too`,
    );
    return { file, bytes, left_out: Object.keys(LEFT_OUT).map((name) => join(state_home, name)) };
  }
}
