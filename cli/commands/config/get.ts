import * as Args from "@oclif/core/args";
import { KartaCommand } from "../../base-command.ts";
import { openPreferences, preferenceName } from "../../preferences.ts";

export default class ConfigGet extends KartaCommand {
  static override summary = "Show one preference.";
  static override description = "Prints nothing for one that is not set.";
  static override examples = ["<%= config.bin %> config get project"];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "project or color" }),
  };

  async run(): Promise<{ name: string; value: string | null }> {
    const { args } = await this.parse(ConfigGet);
    const name = preferenceName(args.name);
    const value = (await openPreferences()).get(name) ?? null;
    if (value !== null) this.print(value);
    return { name, value };
  }
}
