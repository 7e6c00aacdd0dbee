import { KartaCommand } from "../base-command.ts";
import { kartadArguments, kartadFlags } from "../kartad/flags.ts";
import { becomeKartad } from "../kartad/replace.ts";

export default class Serve extends KartaCommand {
  static override summary = "Run the daemon in the foreground.";
  static override description =
    "This process becomes kartad: Ctrl-C drains and stops it, a second Ctrl-C quits at once. kartad writes readable lines to a terminal and JSON lines elsewhere, so --json has nothing to add here.";
  static override examples = ["<%= config.bin %> serve --port 8000", "<%= config.bin %> serve --offline"];
  static override flags = kartadFlags;

  async run(): Promise<undefined> {
    const { flags } = await this.parse(Serve);
    process.exitCode = await becomeKartad(kartadArguments(flags, this.socket(flags)));
    return undefined;
  }
}
