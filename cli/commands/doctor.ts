import type { DoctorReport } from "../../shared/protocol/doctor.ts";
import { CLI_EXIT } from "../../shared/exit-codes.ts";
import { KartaCommand } from "../base-command.ts";
import { askKartad, ownChecks } from "../kartad/doctor.ts";
import { doctorLines } from "../render/doctor.ts";

export default class Doctor extends KartaCommand {
  static override summary =
    "Look for what is missing: Node, harnesses, credentials, socket, port, disk, service.";
  static override description =
    "Asks the running kartad; with none, looks in its place. Credentials are named, their values never shown. " +
    "Exits with 1 when something has to be mended.";
  static override examples = ["<%= config.bin %> doctor", "<%= config.bin %> doctor --json"];

  async run(): Promise<DoctorReport> {
    const { flags } = await this.parse(Doctor);
    const client = this.connect(flags);
    const { report, answers } = await askKartad(client);
    const checks = [...ownChecks(client.socket, answers), ...report.checks];
    this.print(doctorLines(checks, this.paint).join("\n"));
    if (checks.some(({ state }) => state === "problem")) process.exitCode = CLI_EXIT.failed;
    return { checks };
  }
}
