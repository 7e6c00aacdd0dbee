import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import type { CreatedKey, CreateKey } from "../../../shared/protocol/keys.ts";
import { KartaCommand } from "../../base-command.ts";
import { badUsage } from "../../client/errors.ts";
import { routes } from "../../client/routes.ts";
import { createdText } from "../../render/key.ts";
import { momentAfter } from "../../render/units.ts";

export default class KeysCreate extends KartaCommand {
  static override summary = "Make an API key, or an embed key for web pages; its text is shown this once.";
  static override description =
    "Once there is a key, HTTP wants one with every request; this socket never does. A read key looks at sessions, a write " +
    "key makes and drives them, an admin key also reads /metrics. An embed key stands in the pages of its origins and " +
    "gets their visitors session tokens.";
  static override examples = [
    "<%= config.bin %> keys create backend --project support-bot --expires 90d",
    "<%= config.bin %> keys create shop --embed --project support-bot --origin https://shop.example",
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "what you call it by: one line" }),
  };
  static override flags = {
    scope: Flags.option({
      options: ["read", "write", "admin"] as const,
      summary: "What it may do (write).",
    })(),
    project: Flags.string({ summary: "Only this project's sessions." }),
    expires: Flags.string({
      summary: "When it ends: 30d, 12h, or a date. Never if not given.",
      helpValue: "TIME",
    }),
    embed: Flags.boolean({ summary: "An embed key; wants --project and --origin." }),
    origin: Flags.string({
      multiple: true,
      summary: "Where its pages are, as https://shop.example; may be given again.",
      helpValue: "URL",
    }),
    "verify-identity": Flags.boolean({
      summary: "Make an identity secret too: your backend then vouches for each user with an HMAC.",
    }),
  };

  async run(): Promise<CreatedKey> {
    const { args, flags } = await this.parse(KeysCreate);
    const client = this.connect(flags);
    const created = await client.call(routes.createKey, { body: asked(args.name, flags, Date.now()) });
    this.print(createdText(created, this.paint));
    return created;
  }
}

interface Asked {
  readonly scope?: "read" | "write" | "admin" | undefined;
  readonly project?: string | undefined;
  readonly expires?: string | undefined;
  readonly embed?: boolean | undefined;
  readonly origin?: string[] | undefined;
  readonly "verify-identity"?: boolean | undefined;
}

/** @throws CliError `bad_usage` for flags that do not go together */
function asked(name: string, flags: Asked, now: number): CreateKey {
  const { scope, project, expires, origin } = flags;
  const ends = expires === undefined ? {} : { expires_at: expiry(expires, now) };
  if (flags.embed !== true) {
    if (origin !== undefined) throw badUsage("--origin goes with --embed");
    if (flags["verify-identity"] === true) throw badUsage("--verify-identity goes with --embed");
    return {
      kind: "api",
      name,
      ...(scope === undefined ? {} : { scope }),
      ...(project === undefined ? {} : { project }),
      ...ends,
    };
  }
  if (scope !== undefined)
    throw badUsage("--scope goes with API keys: an embed key only makes session tokens");
  if (project === undefined) throw badUsage("--embed wants --project: an embed key is of one project");
  if (origin === undefined)
    throw badUsage("--embed wants --origin: where the pages are that the key stands in");
  const verify_identity = flags["verify-identity"] === true;
  return { kind: "embed", name, project, origins: origin, verify_identity, ...ends };
}

function expiry(text: string, now: number): string {
  const moment = momentAfter(text, now);
  if (moment === null || moment <= now || Number.isNaN(new Date(moment).getTime()))
    throw badUsage(`--expires: expected a time to come, such as 30d, 12h or 2030-01-31, found ${text}`);
  return new Date(moment).toISOString();
}
