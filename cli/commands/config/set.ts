import * as Args from "@oclif/core/args";
import { KartaCommand } from "../../base-command.ts";
import { preferenceName, setPreference } from "../../preferences.ts";

export default class ConfigSet extends KartaCommand {
  static override summary = "Set one preference.";
  static override description = "They are this user's own, kept by the CLI; the daemon does not know them.";
  static override examples = [
    "<%= config.bin %> config set project support-bot",
    "<%= config.bin %> config set color never",
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "project or color" }),
    value: Args.string({ ignoreStdin: true, required: true, description: "the new value" }),
  };

  async run(): Promise<{ name: string; value: string }> {
    const { args } = await this.parse(ConfigSet);
    const name = preferenceName(args.name);
    await setPreference(name, args.value);
    this.print(`${name} is ${args.value}`);
    return { name, value: args.value };
  }
}
