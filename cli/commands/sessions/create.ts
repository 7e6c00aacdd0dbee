import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import type { Session } from "../../../shared/protocol/sessions.ts";
import { KartaCommand } from "../../base-command.ts";
import { routes } from "../../client/routes.ts";
import { metadataFlag, readMetadata } from "../../metadata.ts";
import { preferredProject } from "../../preferences.ts";

export default class SessionsCreate extends KartaCommand {
  static override summary = "Begin a session and print its id.";
  static override description =
    "For scripts, and for sessions that need metadata: an app's own code sees it, and so decides who may ask for what. `karta sessions send` talks in it.";
  static override examples = [
    "<%= config.bin %> sessions create support-bot",
    "SESSION=$(<%= config.bin %> sessions create order-lookup --metadata customer=ada --metadata vip:=true)",
  ];
  static override args = {
    project: Args.string({
      ignoreStdin: true,
      description: "the project; else the preferred one, else the daemon's default",
    }),
  };
  static override flags = {
    metadata: metadataFlag,
    agent: Flags.string({ summary: "Begin with this agent of the project." }),
    permissions: Flags.option({
      options: ["interactive", "autonomous"] as const,
      summary: "Whether people are asked for leave; else as the project says.",
    })(),
  };

  async run(): Promise<Session> {
    const { args, flags } = await this.parse(SessionsCreate);
    const metadata = readMetadata(flags.metadata);
    const session = await this.connect(flags).call(routes.createSession, {
      body: {
        project: args.project ?? (await preferredProject()) ?? undefined,
        agent: flags.agent,
        permission_mode: flags.permissions,
        ...(metadata === null ? {} : { metadata }),
      },
    });
    this.print(session.id);
    return session;
  }
}
