/** kartad under systemd: a user's manager, or the system's with a user of its own. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import path from "node:path";
import { packageRoot, type PathsEnvironment } from "../../shared/paths.ts";
import { CliError } from "../client/errors.ts";
import { exitMeaning } from "../kartad/exit-meaning.ts";
import { goneOf, programNotes, programsOfUnit } from "./programs.ts";
import { runOrSay, tryRun } from "./run.ts";
import type { ServiceFile, ServiceManager, ServiceState } from "./service.ts";
import { SYSTEM_USER, type ServiceSettings } from "./settings.ts";
import { HOPELESS_EXITS, SERVICE_UNIT, SOCKET_UNITS, systemdUnits, unitHasSocket } from "./systemd-units.ts";

const ALL_UNITS = [...SOCKET_UNITS, SERVICE_UNIT];
const PROPERTIES = [
  "ActiveState",
  "SubState",
  "UnitFileState",
  "MainPID",
  "Result",
  "LoadState",
  "ExecMainCode",
  "ExecMainStatus",
];
/** `ExecMainCode` of a process that ended by itself, and not by a signal (waitid(2)). */
const CLD_EXITED = "1";
const SYSUSERS_FILE = "/etc/sysusers.d/karta.conf";

/** kartad ended with a code that trying again does not mend. */
class HopelessStartError extends CliError {}

export class Systemd implements ServiceManager {
  readonly kind: "user" | "system";
  readonly #folder: string;

  constructor(kind: "user" | "system", { env, homedir }: PathsEnvironment) {
    this.kind = kind;
    this.#folder =
      kind === "system"
        ? "/etc/systemd/system"
        : path.join(
            env.XDG_CONFIG_HOME === undefined || env.XDG_CONFIG_HOME === ""
              ? path.join(homedir, ".config")
              : env.XDG_CONFIG_HOME,
            "systemd",
            "user",
          );
  }

  get unit(): string {
    return path.join(this.#folder, SERVICE_UNIT);
  }

  files(settings: ServiceSettings): ServiceFile[] {
    const units = Object.entries(systemdUnits(settings)).map(([name, text]) => ({
      path: path.join(this.#folder, name),
      text,
      mode: 0o644,
    }));
    if (this.kind === "user") return units;
    const account = `u ${SYSTEM_USER} - "Karta daemon" ${settings.stateHome}\n`;
    return [{ path: SYSUSERS_FILE, text: account, mode: 0o644 }, ...units];
  }

  hasSocket(unit: string, socket: string): boolean {
    return unitHasSocket(unit, socket);
  }

  async requireUsable(settings: ServiceSettings): Promise<void> {
    if (this.kind === "system") {
      this.#requireRoot("install");
      requireReadable(settings.node);
      requireReadable(settings.packageRoot);
    }
    await this.#requireManager();
  }

  async activate(_settings: ServiceSettings, changed: boolean): Promise<void> {
    if (this.kind === "system")
      await runOrSay(
        "systemd-sysusers",
        [SYSUSERS_FILE],
        `make the system user ${SYSTEM_USER} yourself, then run this again`,
      );
    await this.#systemctl("daemon-reload");
    await this.#systemctl("enable", ...ALL_UNITS);
    // Sockets first, and again: one that is bound already does not see a new address.
    if (changed) await this.#systemctl("stop", ...ALL_UNITS);
    try {
      await this.start();
    } catch (error) {
      // Nor should the next boot open a port behind which nobody is.
      if (error instanceof HopelessStartError)
        await tryRun("systemctl", [...this.#scope, "disable", ...ALL_UNITS]);
      throw error;
    }
  }

  async start(): Promise<void> {
    if (this.kind === "system") this.#requireRoot("start");
    await this.#systemctl("start", ...SOCKET_UNITS);
    try {
      await this.#systemctl("start", SERVICE_UNIT);
    } catch (error) {
      throw (await this.#whyNot()) ?? error;
    }
  }

  /** systemd's words only say that it failed; kartad's exit code says why. Null: it was not kartad that ended. */
  async #whyNot(): Promise<CliError | null> {
    const fields = await this.#show("ExecMainCode", "ExecMainStatus");
    const code = Number(fields.get("ExecMainStatus") ?? 0);
    if (fields.get("ExecMainCode") !== CLD_EXITED || code === 0) return null;
    const { reason, words } = exitMeaning(code);
    // Else the sockets take connections that nobody will ever answer.
    const isHopeless = HOPELESS_EXITS.has(code);
    if (isHopeless) await tryRun("systemctl", [...this.#scope, "stop", ...ALL_UNITS]);
    return new (isHopeless ? HopelessStartError : CliError)(
      "service_failed",
      `kartad did not start: ${words} (exit code ${code}); \`${this.#journal}\` has its own words`,
      { fields: { exit_code: code, reason } },
    );
  }

  async deactivate(): Promise<void> {
    if (this.kind === "system") this.#requireRoot("uninstall");
    await this.#requireManager();
    await this.#systemctl("disable", "--now", ...ALL_UNITS);
  }

  async forget(): Promise<void> {
    await this.#systemctl("daemon-reload");
    await tryRun("systemctl", [...this.#scope, "reset-failed", ...ALL_UNITS]); // those that did not fail are an error
  }

  async state(): Promise<ServiceState> {
    const installed = existsSync(this.unit);
    const programs = installed ? programsOfUnit(readFileSync(this.unit, "utf8")) : [];
    const install = `karta service install${this.kind === "system" ? " --system" : ""}`;
    const ofPrograms = { gone: goneOf(programs), notes: programNotes(programs, packageRoot(), install) };
    const fields = await this.#show(...PROPERTIES);
    const refusal = fields.get("refused");
    if (refusal !== undefined)
      return {
        installed,
        state: null,
        pid: null,
        enabled: null,
        gone: ofPrograms.gone,
        notes: [...ofPrograms.notes, this.#noManager(refusal).message],
      };
    const active = fields.get("ActiveState") ?? "unknown";
    const pid = Number(fields.get("MainPID") ?? 0);
    const result = fields.get("Result") ?? "success";
    return {
      installed,
      state:
        fields.get("LoadState") === "not-found" ? null : `${active} (${fields.get("SubState") ?? "unknown"})`,
      pid: pid > 0 ? pid : null,
      enabled: installed ? fields.get("UnitFileState") === "enabled" : null,
      gone: ofPrograms.gone,
      notes: [
        ...(active === "failed" ? [this.#failure(result, fields)] : []),
        ...ofPrograms.notes,
        ...(installed ? await this.#lingering() : []),
      ],
    };
  }

  async stop(): Promise<void> {
    if (this.kind === "system") this.#requireRoot("stop");
    // The sockets too: whoever connects to one starts kartad again.
    await this.#systemctl("stop", ...ALL_UNITS);
  }

  async restart(): Promise<void> {
    if (this.kind === "system") this.#requireRoot("restart");
    await this.#systemctl("restart", SERVICE_UNIT);
  }

  /** The unit's properties; where no manager answers, `refused` with what was said. */
  async #show(...properties: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { code, stdout, stderr } = await tryRun("systemctl", [
      ...this.#scope,
      "show",
      SERVICE_UNIT,
      `--property=${properties.join(",")}`,
    ]);
    if (code !== 0) return new Map([["refused", stderr]]);
    return new Map(
      stdout.split("\n").map((line): [string, string] => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }

  #failure(result: string, fields: ReadonlyMap<string, string>): string {
    const code = Number(fields.get("ExecMainStatus") ?? 0);
    const why = fields.get("ExecMainCode") === CLD_EXITED && code !== 0 ? `: ${exitMeaning(code).words}` : "";
    return `it failed (${result})${why}; \`${this.#journal}\` says more`;
  }

  get #scope(): readonly string[] {
    return this.kind === "user" ? ["--user"] : [];
  }

  get #journal(): string {
    return `journalctl ${this.kind === "user" ? "--user " : ""}-u kartad -n 50`;
  }

  #systemctl(...args: string[]): Promise<string> {
    return runOrSay(
      "systemctl",
      [...this.#scope, ...args],
      `\`${this.#journal}\` says more, \`karta doctor\` what is missing`,
    );
  }

  #requireRoot(verb: string): void {
    if (process.getuid?.() === 0) return;
    throw new CliError(
      "no_service",
      `the system's service is root's to ${verb}; run the same command with sudo`,
    );
  }

  async #requireManager(): Promise<void> {
    const { code, stderr } = await tryRun("systemctl", [...this.#scope, "show", "--property=Version"]);
    if (code !== 0) throw this.#noManager(stderr);
  }

  #noManager(said: string): CliError {
    const next =
      this.kind === "user"
        ? "log in as yourself (ssh, or `machinectl shell`; `su` and `sudo` bring no session along), " +
          "or let your services run without one: `sudo loginctl enable-linger`, then `export XDG_RUNTIME_DIR=/run/user/$(id -u)`; " +
          "without systemd, `karta start`"
        : "this machine does not run systemd; keep `karta serve` running by what it has instead";
    const words = said === "" ? "" : ` (${said.split("\n")[0] ?? ""})`;
    return new CliError("no_service", `no systemd manager answers${words}; ${next}`);
  }

  /** A user's manager ends with the last session, unless it lingers. */
  async #lingering(): Promise<string[]> {
    if (this.kind === "system") return [];
    const { username } = userInfo();
    const { code, stdout } = await tryRun("loginctl", [
      "show-user",
      username,
      "--property=Linger",
      "--value",
    ]);
    if (code === 0 && stdout.trim() === "yes") return [];
    return [
      `kartad stops when ${username} logs out; \`sudo loginctl enable-linger ${username}\` keeps it running`,
    ];
  }
}

/** The service's own user must be able to read Node and Karta. @throws CliError `no_service` */
function requireReadable(place: string): void {
  for (let folder = place; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if ((statSync(folder).mode & 0o005) === 0o005) continue;
    throw new CliError(
      "no_service",
      `the user ${SYSTEM_USER} could not read ${place}: ${folder} is closed to others; install Node and Karta where everybody can read them, say in /opt`,
    );
  }
}
