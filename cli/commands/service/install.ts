import * as Flags from "@oclif/core/flags";
import { KartaCommand } from "../../base-command.ts";
import { KartaClient } from "../../client/client.ts";
import { CliError } from "../../client/errors.ts";
import { environment } from "../../environment.ts";
import { kartadFlags } from "../../kartad/flags.ts";
import { requireSafeBind } from "../../kartad/safe-bind.ts";
import { runningStatus } from "../../kartad/start.ts";
import { environmentFileNote, install } from "../../service/install.ts";
import { ownService } from "../../service/service.ts";
import { serviceSettings, SYSTEM_USER, type ServiceSettings } from "../../service/settings.ts";

interface Installed {
  readonly unit: string;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly changed: boolean;
  readonly dry_run: boolean;
  readonly url: string;
  readonly environment_file: string;
  readonly notes: readonly string[];
}

export default class ServiceInstall extends KartaCommand {
  static override summary = "Have the system start the daemon and keep it running.";
  static override description =
    "Writes a systemd unit (yours, or the system's with --system) or a launchd agent, enables and starts it, and waits until " +
    "kartad answers. Running it again brings the unit up to date. Keys of a model belong in the environment file that it names.";
  static override examples = [
    "<%= config.bin %> service install",
    "<%= config.bin %> service install --dry-run",
    "sudo <%= config.bin %> service install --system --port 8000",
  ];
  static override flags = {
    ...kartadFlags,
    system: Flags.boolean({ summary: "A service of the system, with the user karta and /var/lib/karta." }),
    "dry-run": Flags.boolean({ summary: "Print what would be written, and change nothing." }),
  };

  async run(): Promise<Installed> {
    const { flags } = await this.parse(ServiceInstall);
    const manager = ownService(flags);
    const settings = serviceSettings(manager.kind, flags, environment);
    const files = manager.files(settings).map(({ path, text }) => ({ path, text }));
    const url = `http://${settings.host.includes(":") ? `[${settings.host}]` : settings.host}:${settings.port}`;
    const answer = { unit: manager.unit, files, url, environment_file: settings.environmentFile };
    if (flags["dry-run"]) {
      this.print(files.map(({ path, text }) => `# ${path}\n${text}`).join("\n"));
      return { ...answer, changed: false, dry_run: true, notes: [] };
    }
    await this.#requireRoom(settings);
    const changed = await install(manager, settings);
    const { notes: told } = await manager.state();
    const note = environmentFileNote(settings);
    const notes = note === null ? told : [...told, note];
    this.print(`kartad runs as a service at ${url} (${manager.unit}${changed ? "" : ", as it was"})`);
    const restart =
      manager.kind === "system" ? `sudo karta restart --socket ${settings.socket}` : "karta restart";
    this.print(`A model's key belongs in ${settings.environmentFile}; then \`${restart}\`.`);
    if (manager.kind === "system")
      this.print(
        `Root drives it: \`sudo karta project add DIR --socket ${settings.socket}\`, for folders that the user ${SYSTEM_USER} can read.`,
      );
    for (const line of notes) this.print(`note: ${line}`);
    return { ...answer, changed, dry_run: false, notes };
  }

  /** systemd would take the socket's path from a kartad that was started by hand; one of ours must be able to come back. */
  async #requireRoom(settings: ServiceSettings): Promise<void> {
    const client = new KartaClient({ socket: settings.socket });
    const running = await runningStatus(client);
    if (running === null) return;
    if ((running.service ?? null) !== null) {
      await requireSafeBind(client, settings, `karta service install --host ${settings.host}`);
      return;
    }
    throw new CliError(
      "already_running",
      `kartad already runs at ${running.url}, started by hand; \`karta stop\`, then install the service`,
      { fields: { pid: running.pid } },
    );
  }
}
