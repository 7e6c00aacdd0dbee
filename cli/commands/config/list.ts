import { KartaCommand } from "../../base-command.ts";
import { openPreferences, PREFERENCE_NAMES, PREFERENCES } from "../../preferences.ts";

export default class ConfigList extends KartaCommand {
  static override summary = "List the preferences.";
  static override description = "And what each is for.";
  static override examples = ["<%= config.bin %> config list"];

  async run(): Promise<{ data: { name: string; value: string | null; about: string }[]; file: string }> {
    await this.parse(ConfigList);
    const store = await openPreferences();
    const data = PREFERENCE_NAMES.map((name) => ({
      name,
      value: store.get(name) ?? null,
      about: PREFERENCES[name],
    }));
    this.printTable(data, [
      { header: "NAME", cell: ({ name }) => name },
      { header: "VALUE", cell: ({ value }) => value ?? "-" },
      { header: "ABOUT", cell: ({ about }) => about },
    ]);
    return { data, file: store.path };
  }
}
