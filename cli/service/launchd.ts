/** kartad under launchd, as an agent of the user who is logged in. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { packageRoot, type PathsEnvironment } from "../../shared/paths.ts";
import type { KartaClient } from "../client/client.ts";
import { CliError } from "../client/errors.ts";
import { stopKartad, type StopOptions } from "../kartad/stop.ts";
import { LABEL, launchdPlist, plistHasSocket } from "./launchd-plist.ts";
import { goneOf, programNotes, programsOfPlist } from "./programs.ts";
import { runOrSay, tryRun } from "./run.ts";
import type { ServiceFile, ServiceManager, ServiceState } from "./service.ts";
import type { ServiceSettings } from "./settings.ts";

export class Launchd implements ServiceManager {
  readonly kind = "launchd";
  readonly unit: string;
  /** The user's graphical session; agents of others are not ours to see. */
  readonly #domain = `gui/${process.getuid?.() ?? 0}`;

  constructor({ homedir }: PathsEnvironment) {
    this.unit = path.join(homedir, "Library", "LaunchAgents", `${LABEL}.plist`);
  }

  files(settings: ServiceSettings): ServiceFile[] {
    return [{ path: this.unit, text: launchdPlist(settings), mode: 0o644 }];
  }

  hasSocket(unit: string, socket: string): boolean {
    return plistHasSocket(unit, socket);
  }

  async requireUsable(): Promise<void> {
    const { code, stderr } = await tryRun("launchctl", ["print", this.#domain]);
    if (code === 0) return;
    throw new CliError(
      "no_service",
      `launchd has no session of yours (${stderr}); log in on the machine's screen, or keep \`karta start\` in your login items`,
    );
  }

  async activate(_settings: ServiceSettings, changed: boolean): Promise<void> {
    const isLoaded = (await this.#print()) !== null;
    if (isLoaded && changed) await this.#launchctl("bootout", this.#target);
    if (isLoaded && !changed) await this.#launchctl("kickstart", this.#target);
    else await this.start();
  }

  async start(): Promise<void> {
    if ((await this.#print()) === null) await this.#launchctl("bootstrap", this.#domain, this.unit);
    await this.#launchctl("kickstart", this.#target);
  }

  async deactivate(): Promise<void> {
    await this.requireUsable();
    if ((await this.#print()) !== null) await this.#launchctl("bootout", this.#target);
  }

  forget(): Promise<void> {
    return Promise.resolve(); // bootout did
  }

  async state(): Promise<ServiceState> {
    const installed = existsSync(this.unit);
    const programs = installed ? programsOfPlist(readFileSync(this.unit, "utf8")) : [];
    const printed = await this.#print();
    const pid = Number(/^\s*pid = (\d+)/m.exec(printed ?? "")?.[1] ?? 0);
    return {
      installed,
      state: /^\s*state = (.+)$/m.exec(printed ?? "")?.[1] ?? null,
      pid: pid > 0 ? pid : null,
      enabled: printed === null ? null : true,
      gone: goneOf(programs),
      notes: programNotes(programs, packageRoot(), "karta service install"),
    };
  }

  /** kartad drains and ends by itself, with success: then launchd leaves it so until the next login. */
  async stop(client: KartaClient, options: StopOptions): Promise<void> {
    await stopKartad(client, options);
  }

  async restart(client: KartaClient, options: StopOptions): Promise<void> {
    await stopKartad(client, options);
    await this.#launchctl("kickstart", this.#target);
  }

  get #target(): string {
    return `${this.#domain}/${LABEL}`;
  }

  async #print(): Promise<string | null> {
    const { code, stdout } = await tryRun("launchctl", ["print", this.#target]);
    return code === 0 ? stdout : null;
  }

  #launchctl(...args: string[]): Promise<string> {
    return runOrSay("launchctl", args, "`karta logs` and kartad.out in the state folder say more");
  }
}
