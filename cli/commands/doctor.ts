import * as Flags from "@oclif/core/flags";
import type { DoctorReport } from "../../shared/protocol/doctor.ts";
import { CLI_EXIT } from "../../shared/exit-codes.ts";
import { KartaCommand } from "../base-command.ts";
import { askKartad, ownChecks } from "../kartad/doctor.ts";
import { repairStore } from "../kartad/repair.ts";
import { doctorLines } from "../render/doctor.ts";

export default class Doctor extends KartaCommand {
  static override summary =
    "Look for what is missing: Node, harnesses, credentials, keys, socket, port, store, disk, service.";
  static override description =
    "Asks the running kartad; with none, looks in its place. Credentials are named, their values never shown. " +
    "Exits with 1 when something has to be mended. With --repair, and kartad stopped, a damaged store is set aside first; all of it is kept.";
  static override examples = [
    "<%= config.bin %> doctor",
    "<%= config.bin %> doctor --json",
    "<%= config.bin %> doctor --repair",
  ];
  static override flags = {
    repair: Flags.boolean({ summary: "Set a damaged store aside, so that kartad can start." }),
    home: Flags.string({ summary: "The state folder of --repair ($KARTA_HOME).", helpValue: "DIR" }),
  };

  async run(): Promise<DoctorReport> {
    const { flags } = await this.parse(Doctor);
    const client = this.connect(flags);
    const repaired = flags.repair ? [await repairStore(flags.home)] : [];
    const { report, answers } = await askKartad(client);
    const checks = [...repaired, ...(await ownChecks(client.socket, answers)), ...report.checks];
    this.print(doctorLines(checks, this.paint).join("\n"));
    if (checks.some(({ state }) => state === "problem")) process.exitCode = CLI_EXIT.failed;
    return { checks };
  }
}
