/**
 * The systemd units of kartad, as text: the service, and a socket for each plane. The sockets stay open while kartad restarts,
 * so whoever connects meanwhile waits instead of failing.
 */
import path from "node:path";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { KARTAD_NODE_OPTIONS } from "../../shared/node-options.ts";
import type { ServiceSettings } from "./settings.ts";

export const SERVICE_UNIT = "kartad.service";
export const SOCKET_UNITS = ["kartad-http.socket", "kartad-control.socket"] as const;

/** After kartad's own drain: harnesses end, the store closes. */
const STOP_MARGIN_SECONDS = 30;

/**
 * Exit codes that trying again does not mend: bad_config, store_newer, unsafe_bind, store_corrupt. With `already_running`
 * there is nothing to do.
 */
export const HOPELESS_EXITS: ReadonlySet<number> = new Set([
  DAEMON_EXIT.bad_config,
  DAEMON_EXIT.already_running,
  DAEMON_EXIT.store_newer,
  DAEMON_EXIT.unsafe_bind,
  DAEMON_EXIT.store_corrupt,
]);

/** Unit's name → its text. */
export function systemdUnits(settings: ServiceSettings): Readonly<Record<string, string>> {
  return {
    [SERVICE_UNIT]: serviceUnit(settings),
    "kartad-http.socket": httpSocket(settings),
    "kartad-control.socket": controlSocket(settings),
  };
}

function serviceUnit(settings: ServiceSettings): string {
  const { node, packageRoot: root, kind, insecure, drainSeconds } = settings;
  const kartad = [
    node,
    ...KARTAD_NODE_OPTIONS,
    path.join(root, "daemon/bin/kartad.js"),
    ...(insecure ? ["--insecure"] : []),
  ];
  const wait = [node, path.join(root, "cli/bin/karta.js"), "service", "wait", "--pid"];
  return `# Written by \`karta service install\`, which overwrites it; \`systemctl${kind === "user" ? " --user" : ""} edit kartad\` adds to it.
[Unit]
Description=Karta: folders of agent harnesses as a session API
Requires=${SOCKET_UNITS.join(" ")}
After=${SOCKET_UNITS.join(" ")}
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
# Node cannot send on systemd's notification socket, and NotifyAccess=all would let every agent speak for kartad:
# so the unit counts as started when kartad answers.
Type=exec
ExecStart=${commandLine(kartad)}
ExecStartPost=${commandLine(wait)} $MAINPID
Sockets=${SOCKET_UNITS.join(" ")}
${environmentLines(settings).join("\n")}
EnvironmentFile=-${escaped(settings.environmentFile)}
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=${[...HOPELESS_EXITS].join(" ")}
TimeoutStartSec=120
# kartad alone is asked to stop, and ends its agents when their turns are over.
KillMode=mixed
TimeoutStopSec=${Math.ceil(drainSeconds) + STOP_MARGIN_SECONDS}
# An agent that runs out of memory ends its own turn, not kartad.
OOMPolicy=continue
# A core file would hold the keys that kartad and its agents have.
LimitCORE=0
${hardening(settings).join("\n")}

[Install]
WantedBy=${kind === "user" ? "default.target" : "multi-user.target"}
Also=${SOCKET_UNITS.join(" ")}
`;
}

/**
 * What can be closed without breaking harnesses. Not closed, and why: MemoryDenyWriteExecute (V8 and Bun compile at run time);
 * RestrictNamespaces and SystemCallFilter (an agent's own sandbox, bubblewrap, makes namespaces and mounts);
 * ProtectKernelTunables, ProtectKernelLogs, ProtectProc (with parts of /proc covered, bubblewrap may not mount one of its own);
 * ProtectHome, ProtectSystem=strict (projects lie anywhere, agents write to them); PrivateTmp for a user (shared with the
 * user's own programs). A user's manager can do none of the mounts without user namespaces, so there it stays with flags.
 */
function hardening({ user, stateHome }: ServiceSettings): string[] {
  const flags = [
    "NoNewPrivileges=yes",
    "RestrictSUIDSGID=yes",
    "RestrictRealtime=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  ];
  if (user === null) return flags;
  return [
    `User=${user}`,
    `Group=${user}`,
    "StateDirectory=karta",
    "StateDirectoryMode=0700",
    `WorkingDirectory=${escaped(stateHome)}`,
    // The control socket lies in it, also while kartad is stopped.
    "RuntimeDirectory=karta",
    "RuntimeDirectoryMode=0700",
    "RuntimeDirectoryPreserve=yes",
    ...flags,
    "CapabilityBoundingSet=",
    "ProtectSystem=full",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
  ];
}

function environmentLines(settings: ServiceSettings): string[] {
  const { kind, host, port, stateHome, socket, offline, logLevel } = settings;
  const variables = {
    PATH: settings.path,
    KARTA_SERVICE: kind,
    KARTA_HOST: host,
    KARTA_PORT: String(port),
    KARTA_HOME: stateHome,
    KARTA_SOCKET: socket,
    ...(offline ? { KARTA_OFFLINE: "1" } : {}),
    ...(logLevel === null ? {} : { KARTA_LOG_LEVEL: logLevel }),
  };
  return Object.entries(variables).map(([name, value]) => environmentLine(name, value));
}

function environmentLine(name: string, value: string): string {
  return `Environment=${quoted(`${name}=${value}`)}`;
}

/** Whether the kartad of a service unit has this control socket. */
export function unitHasSocket(unit: string, socket: string): boolean {
  return unit.split("\n").includes(environmentLine("KARTA_SOCKET", socket));
}

function httpSocket({ host, port, kind }: ServiceSettings): string {
  return `# Written by \`karta service install\`.
[Unit]
Description=Karta's HTTP port

[Socket]
ListenStream=${host.includes(":") ? `[${host}]` : host}:${port}
FileDescriptorName=http
Service=${SERVICE_UNIT}
${kind === "system" ? "FreeBind=yes\n" : ""}
[Install]
WantedBy=sockets.target
`;
}

function controlSocket({ socket, user }: ServiceSettings): string {
  return `# Written by \`karta service install\`.
[Unit]
Description=Karta's control socket, for its operator alone

[Socket]
ListenStream=${escaped(socket)}
FileDescriptorName=control
SocketMode=0600
DirectoryMode=0700
${user === null ? "" : `SocketUser=${user}\nSocketGroup=${user}\n`}Service=${SERVICE_UNIT}

[Install]
WantedBy=sockets.target
`;
}

/** A value in which only specifiers mean something (systemd.unit(5)): `%` begins one. */
function escaped(text: string): string {
  return text.replaceAll("%", "%%");
}

/** One word, in which nothing is expanded: quotes and backslashes are systemd's (systemd.syntax(7)). */
function quoted(text: string): string {
  return `"${escaped(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** A command line. In the words after the program `$` begins a variable, and is itself when doubled (systemd.service(5)). */
function commandLine([program = "", ...args]: readonly string[]): string {
  return [quoted(program), ...args.map((word) => quoted(word).replaceAll("$", "$$$$"))].join(" ");
}
