import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { KartaError } from "../../../shared/errors.ts";
import type { Key } from "../../../shared/protocol/keys.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { confirm } from "../../confirm.ts";
import { oneLine } from "../../render/harmless.ts";

export default class KeysRevoke extends KartaCommand {
  static override summary =
    "Revoke a key: at once, with all that it has open and the session tokens it made.";
  static override description =
    "By its id or its name. Asks first on a terminal; elsewhere --yes is not needed: a key that leaked must go. When the last " +
    "one is gone HTTP still wants a key; `kartad --insecure` opens it again.";
  static override examples = ["<%= config.bin %> keys revoke backend"];
  static override args = {
    key: Args.string({ ignoreStdin: true, required: true, description: "its id (key_…) or name" }),
  };
  static override flags = { yes: Flags.boolean({ char: "y", summary: "Do not ask." }) };

  async run(): Promise<Key | { revoked: false }> {
    const { args, flags } = await this.parse(KeysRevoke);
    const client = this.connect(flags);
    if (!flags.yes && process.stdin.isTTY && !this.jsonEnabled()) {
      const { data } = await client.call(routes.listKeys);
      const found = data.find(
        ({ id, name, state }) => state !== "revoked" && (id === args.key || name === args.key),
      );
      if (found === undefined) throw new KartaError("not_found", `no key has the id or name "${args.key}"`);
      if (!(await confirm(`Revoke ${oneLine(found.name)} (${found.prefix}…)?`))) {
        this.print("Nothing was revoked.");
        return { revoked: false };
      }
    }
    const revoked = await client.call(routes.revokeKey, { params: { key: args.key } });
    this.print(`${oneLine(revoked.name)} is revoked`);
    return revoked;
  }
}
