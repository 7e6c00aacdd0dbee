import * as Flags from "@oclif/core/flags";
import type { Key } from "../../../shared/protocol/keys.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { keyColumns } from "../../render/key.ts";

export default class KeysList extends KartaCommand {
  static override summary = "List the keys, newest first.";
  static override description = "Of an API key only its beginning is shown: kartad does not have the rest.";
  static override examples = ["<%= config.bin %> keys list", "<%= config.bin %> keys list --all --json"];
  static override flags = { all: Flags.boolean({ char: "a", summary: "Those that are revoked too." }) };

  async run(): Promise<{ data: Key[] }> {
    const { flags } = await this.parse(KeysList);
    const { data: every } = await this.connect(flags).call(routes.listKeys);
    const data = flags.all ? every : every.filter(({ state }) => state !== "revoked");
    if (data.length === 0) this.print("No key; `karta keys create NAME` makes one.");
    else this.printTable(data, keyColumns(Date.now()));
    return { data };
  }
}
