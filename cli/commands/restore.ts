import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { RestoreReportSchema, type Restored, type Status } from "../../shared/protocol/control.ts";
import { KartaCommand } from "../base-command.ts";
import { CliError } from "../client/errors.ts";
import { uploadStore } from "../client/store-file.ts";
import { confirm } from "../confirm.ts";
import { kartadOnce } from "../kartad/one-shot.ts";
import { restartKartad } from "../kartad/restart.ts";
import { runningStatus } from "../kartad/start.ts";
import { count } from "../render/units.ts";

interface Answer extends Restored {
  readonly restored: boolean;
  /** False: the backup takes the store's place with the next start. */
  readonly restarted: boolean;
}

const NOTHING: Answer = {
  restored: false,
  restarted: false,
  projects: 0,
  sessions: 0,
  events: 0,
  migrated: 0,
};

export default class Restore extends KartaCommand {
  static override summary = "Put a backup in the store's place, and restart the daemon.";
  static override description =
    "The backup is checked first; one of an older Karta is brought up to date, one of a newer is refused. Running turns are drained, " +
    "and the old store is kept in the state folder, under set-aside. Asks first on a terminal; elsewhere --yes is needed.";
  static override examples = [
    "<%= config.bin %> restore karta.db.backup",
    "<%= config.bin %> restore karta.db.backup --yes",
  ];
  static override args = {
    file: Args.string({ ignoreStdin: true, required: true, description: "what `karta backup` wrote" }),
  };
  static override flags = {
    yes: Flags.boolean({ char: "y", summary: "Do not ask." }),
    restart: Flags.boolean({
      default: true,
      allowNo: true,
      summary: "Restart now; else the backup waits for the next start.",
    }),
    home: Flags.string({
      summary: "The state folder, where no kartad runs ($KARTA_HOME).",
      helpValue: "DIR",
    }),
    timeout: Flags.integer({
      min: 1,
      default: 60,
      summary: "Seconds to wait for kartad to end, and to answer.",
    }),
  };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(Restore);
    const file = resolve(args.file);
    await access(file, constants.R_OK).catch((error: unknown) => {
      throw new CliError(
        "bad_file",
        `${file} cannot be read: ${error instanceof Error ? error.message : ""}`,
      );
    });
    const client = this.connect(flags);
    const before = await runningStatus(client);
    if (!flags.yes && !(await confirm(question(file, before)))) {
      this.print("Nothing was restored.");
      return NOTHING;
    }
    if (before === null) {
      const home = flags.home === undefined ? [] : ["--home", resolve(flags.home)];
      const { kept, ...restored } = await kartadOnce([...home, "--restore", file], RestoreReportSchema);
      this.print(summary(restored));
      if (kept !== null) this.print(`The old store is kept in ${kept}`);
      return { restored: true, restarted: false, ...restored };
    }
    const restored = await uploadStore(client.socket, createReadStream(file));
    this.print(summary(restored));
    if (!flags.restart) {
      this.print(
        "It takes the store's place with the next start of kartad; what is said until then is not in it.",
      );
      return { restored: true, restarted: false, ...restored };
    }
    const status = await restartKartad(client, before, {}, flags.timeout);
    this.print(`kartad runs on it at ${status.url}; the old store is kept in ${status.state_home}/set-aside`);
    return { restored: true, restarted: true, ...restored };
  }
}

function question(file: string, running: Status | null): string {
  if (running === null) return `Replace the store with ${file}?`;
  const turns = running.sessions.running_turns;
  return `Replace the store of kartad at ${running.url} with ${file}, and restart it${turns === 0 ? "" : ` (${count(turns, "running turn")} may finish)`}?`;
}

function summary({ projects, sessions, events, migrated }: Restored): string {
  const older = migrated === 0 ? "" : "; it was an older Karta's, and is brought up to date";
  return `The backup is whole: ${count(projects, "project")}, ${count(sessions, "session")}, ${count(events, "event")}${older}`;
}
