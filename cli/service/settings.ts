/** What a service's unit says of kartad: flags, else the environment, else the state folder's kartad.toml, else the defaults. */
import { isIP } from "node:net";
import path from "node:path";
import type { Service } from "../../shared/protocol/control.ts";
import { packageRoot, socketPath, stateHome, type PathsEnvironment } from "../../shared/paths.ts";
import { badUsage } from "../client/errors.ts";
import type { KartadFlags } from "../kartad/flags.ts";
import { readKartadToml } from "../kartad/kartad-toml.ts";

export interface ServiceSettings {
  readonly kind: Service;
  /** The Node that runs this very command, and the package it belongs to: absolute paths. */
  readonly node: string;
  readonly packageRoot: string;
  /** An IP address: a manager binds it before kartad is there to look a name up. */
  readonly host: string;
  readonly port: number;
  readonly offline: boolean;
  readonly insecure: boolean;
  readonly logLevel: string | null;
  readonly stateHome: string;
  readonly socket: string;
  /** Where kartad and the harnesses find programs. */
  readonly path: string;
  /** Where the operator keeps what no unit may hold: a model's key. Lines of NAME=value. */
  readonly environmentFile: string;
  readonly drainSeconds: number;
  /** The user of a system service. */
  readonly user: string | null;
}

export const SYSTEM_USER = "karta";
const SYSTEM_STATE = "/var/lib/karta";
export const SYSTEM_SOCKET = "/run/karta/kartad.sock";
const SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const DEFAULT_DRAIN_SECONDS = 30;

/** @throws CliError `bad_usage` for what no unit can hold */
export function serviceSettings(
  kind: Service,
  flags: KartadFlags & { readonly socket?: string | undefined },
  surroundings: PathsEnvironment,
): ServiceSettings {
  const { env } = surroundings;
  const isSystem = kind === "system";
  const home = flags.home === undefined ? null : path.resolve(flags.home);
  if (isSystem && home !== null && home !== SYSTEM_STATE)
    throw badUsage(`--home: a system service keeps its state in ${SYSTEM_STATE}, found ${home}`);
  const state = isSystem ? SYSTEM_STATE : (home ?? stateHome(surroundings));
  const file = readKartadToml(state);
  const node = process.execPath;
  const settings: ServiceSettings = {
    kind,
    node,
    packageRoot: packageRoot(),
    host: addressOf(flags.host ?? filled(env.KARTA_HOST) ?? file.host ?? "127.0.0.1"),
    port: portOf(flags.port ?? filled(env.KARTA_PORT) ?? file.port ?? 8000),
    offline: flags.offline ?? ["1", "true"].includes(env.KARTA_OFFLINE ?? ""),
    insecure: flags.insecure ?? file.insecure ?? false,
    logLevel: flags["log-level"] ?? filled(env.KARTA_LOG_LEVEL) ?? null,
    stateHome: state,
    socket: isSystem
      ? SYSTEM_SOCKET
      : socketPath({ ...surroundings, env: { ...env, ...given(flags.socket) } }),
    path: searchPath(node, isSystem ? SYSTEM_PATH : (env.PATH ?? "").split(":")),
    environmentFile: isSystem ? "/etc/karta/kartad.env" : path.join(state, "kartad.env"),
    drainSeconds: file.drain_seconds ?? DEFAULT_DRAIN_SECONDS,
    user: isSystem ? SYSTEM_USER : null,
  };
  for (const [name, value] of Object.entries(settings))
    if (typeof value === "string" && hasControls(value))
      throw badUsage(
        `${name}: a unit cannot hold line breaks or control characters, found ${JSON.stringify(value)}`,
      );
  return settings;
}

/** An empty variable is as if it were not there. */
function filled(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** The flag has the variable's value where only that is set. */
function given(socket: string | undefined): { KARTA_SOCKET?: string } {
  return socket === undefined ? {} : { KARTA_SOCKET: socket };
}

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function addressOf(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (bare === "localhost") return "127.0.0.1";
  if (isIP(bare) !== 0) return bare;
  throw badUsage(`--host: a service needs an IP address, found "${host}"`);
}

function portOf(given: string | number): number {
  const port = Number(given);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw badUsage(`--port: a service needs a port from 1 to 65535, found "${given}"`);
}

/** Node's own folder first, so that tools of Node's kind run on the same one; only absolute folders, each once. */
function searchPath(node: string, folders: readonly string[]): string {
  const usable = [path.dirname(node), ...folders].filter(
    (folder) => path.isAbsolute(folder) && !hasControls(folder),
  );
  return [...new Set(usable)].join(":");
}
