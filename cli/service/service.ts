/** What keeps kartad running on this machine, behind one interface: systemd of a user or of the system, or launchd. */
import { existsSync, readFileSync } from "node:fs";
import type { Service as ServiceKind } from "../../shared/protocol/control.ts";
import type { KartaClient } from "../client/client.ts";
import { CliError } from "../client/errors.ts";
import { environment } from "../environment.ts";
import type { StopOptions } from "../kartad/stop.ts";
import { Launchd } from "./launchd.ts";
import type { ServiceSettings } from "./settings.ts";
import { Systemd } from "./systemd.ts";

/** A file of the service: where it lies, what is in it, and who may read it. */
export interface ServiceFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

export interface ServiceState {
  readonly installed: boolean;
  /** The manager's own words: `active (running)`. Null: it does not know the service, or does not answer. */
  readonly state: string | null;
  readonly pid: number | null;
  /** Whether it starts by itself after a boot or a login; null: not known. */
  readonly enabled: boolean | null;
  /** Programs that it runs and that are not there: it cannot start again. */
  readonly gone: readonly string[];
  /** What an operator may want to know or do. */
  readonly notes: readonly string[];
}

export interface ServiceManager {
  readonly kind: ServiceKind;
  /** Where the service is written down; it is installed when this is there. */
  readonly unit: string;
  files(settings: ServiceSettings): readonly ServiceFile[];
  /** Whether its kartad has this control socket. @param unit what is written in `unit` */
  hasSocket(unit: string, socket: string): boolean;
  /** @throws CliError `no_service` with the next step, before anything was changed */
  requireUsable(settings: ServiceSettings): Promise<void>;
  /** The files are written: makes the manager read them, starts kartad and waits for it. @param changed none was there, or another */
  activate(settings: ServiceSettings, changed: boolean): Promise<void>;
  /** Stops kartad and makes the manager forget it; the files are removed after it. */
  deactivate(): Promise<void>;
  /** The files are gone: makes the manager see it. */
  forget(): Promise<void>;
  state(): Promise<ServiceState>;
  /** Starts what is installed. */
  start(): Promise<void>;
  stop(client: KartaClient, options: StopOptions): Promise<void>;
  restart(client: KartaClient, options: StopOptions): Promise<void>;
}

/** The manager of a kind. */
export function serviceOf(kind: ServiceKind): ServiceManager {
  switch (kind) {
    case "user":
    case "system":
      return new Systemd(kind, environment);
    case "launchd":
      return new Launchd(environment);
  }
}

/** The manager of this machine. @throws CliError `no_service` where there is none that Karta knows */
export function ownService(options: { readonly system: boolean }): ServiceManager {
  switch (environment.platform) {
    case "linux":
      return serviceOf(options.system ? "system" : "user");
    case "darwin":
      if (!options.system) return serviceOf("launchd");
      throw new CliError("no_service", "on macOS kartad is a service of a user; leave --system out");
    default:
      throw new CliError(
        "no_service",
        `there is no service for ${environment.platform}; keep \`karta serve\` running by other means`,
      );
  }
}

/** The services that are installed on this machine. */
export function installedServices(): ServiceManager[] {
  const kinds = environment.platform === "darwin" ? (["launchd"] as const) : (["user", "system"] as const);
  return kinds.map((kind) => serviceOf(kind)).filter(({ unit }) => existsSync(unit));
}

/** The installed service whose kartad has this control socket; null: none. */
export function serviceAt(socket: string): ServiceManager | null {
  return (
    installedServices().find((service) => service.hasSocket(readFileSync(service.unit, "utf8"), socket)) ??
    null
  );
}
