/** The flags that `serve`, `start` and `restart` hand on to kartad. One left out is left to kartad's own configuration. */
import * as Flags from "@oclif/core/flags";
import { resolve } from "node:path";

const GROUP = "KARTAD";

export const kartadFlags = {
  port: Flags.integer({
    char: "p",
    min: 0,
    max: 65_535,
    summary: "Port of the HTTP API (kartad's default: 8000).",
    helpGroup: GROUP,
  }),
  host: Flags.string({ summary: "Address of the HTTP API (kartad's default: 127.0.0.1).", helpGroup: GROUP }),
  offline: Flags.boolean({
    summary: "Reply from scripts with the offline model: no API key, no network.",
    helpGroup: GROUP,
  }),
  insecure: Flags.boolean({
    summary: "Serve another address than loopback without an API key.",
    helpGroup: GROUP,
  }),
  home: Flags.string({ summary: "kartad's state folder ($KARTA_HOME).", helpValue: "DIR", helpGroup: GROUP }),
  "log-level": Flags.string({
    summary: "The least level that is logged.",
    options: ["trace", "debug", "info", "warn", "error", "fatal"],
    helpGroup: GROUP,
  }),
};

export interface KartadFlags {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly offline?: boolean | undefined;
  readonly insecure?: boolean | undefined;
  readonly home?: string | undefined;
  readonly "log-level"?: string | undefined;
}

/** kartad's argv for these flags. `home` is resolved against the user's own folder. */
export function kartadArguments(flags: KartadFlags, socket: string): string[] {
  return [
    ...(flags.port === undefined ? [] : ["--port", String(flags.port)]),
    ...(flags.host === undefined ? [] : ["--host", flags.host]),
    ...(flags.offline ? ["--offline"] : []),
    ...(flags.insecure ? ["--insecure"] : []),
    ...(flags.home === undefined ? [] : ["--home", resolve(flags.home)]),
    ...(flags["log-level"] === undefined ? [] : ["--log-level", flags["log-level"]]),
    "--socket",
    socket,
  ];
}
