import * as Flags from "@oclif/core/flags";
import { KartaCommand } from "../../base-command.ts";
import { environment } from "../../environment.ts";
import { uninstall } from "../../service/install.ts";
import { ownService } from "../../service/service.ts";
import { serviceSettings } from "../../service/settings.ts";

export default class ServiceUninstall extends KartaCommand {
  static override summary = "Stop the service and take it away; its state stays.";
  static override description =
    "Running turns are drained first. Sessions, logs, kartad.toml and the environment file are left where they are.";
  static override examples = [
    "<%= config.bin %> service uninstall",
    "sudo <%= config.bin %> service uninstall --system",
  ];
  static override flags = { system: Flags.boolean({ summary: "The system's service, not yours." }) };

  async run(): Promise<{ uninstalled: boolean; state_home: string }> {
    const { flags } = await this.parse(ServiceUninstall);
    const manager = ownService(flags);
    const settings = serviceSettings(manager.kind, { socket: flags.socket }, environment);
    const uninstalled = await uninstall(manager, settings);
    this.print(
      uninstalled
        ? `The service is gone; its state stays in ${settings.stateHome}`
        : `There is no service of ${flags.system ? "the system's" : "yours"} (${manager.unit})`,
    );
    return { uninstalled, state_home: settings.stateHome };
  }
}
