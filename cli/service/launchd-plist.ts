/** The launchd agent of kartad, as a property list (launchd.plist(5)). */
import path from "node:path";
import { KARTAD_NODE_OPTIONS } from "../../shared/node-options.ts";
import type { ServiceSettings } from "./settings.ts";

export const LABEL = "dev.karta.kartad";

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** After kartad's own drain: harnesses end, the store closes. */
const STOP_MARGIN_SECONDS = 30;

/**
 * launchd hands sockets over through a C function alone, which Node has none of, so kartad opens its own. It has no file of
 * secrets either: Node reads one itself.
 */
export function launchdPlist(settings: ServiceSettings): string {
  const { node, packageRoot, insecure, stateHome, offline, logLevel } = settings;
  return plist({
    Label: LABEL,
    ProgramArguments: [
      node,
      ...KARTAD_NODE_OPTIONS,
      `--env-file-if-exists=${settings.environmentFile}`,
      path.join(packageRoot, "daemon/bin/kartad.js"),
      "--quiet", // launchd's file would grow without end; kartad's own are rotated
      ...(insecure ? ["--insecure"] : []),
    ],
    EnvironmentVariables: {
      PATH: settings.path,
      KARTA_SERVICE: "launchd",
      KARTA_HOST: settings.host,
      KARTA_PORT: String(settings.port),
      KARTA_HOME: stateHome,
      KARTA_SOCKET: settings.socket,
      ...(offline ? { KARTA_OFFLINE: "1" } : {}),
      ...(logLevel === null ? {} : { KARTA_LOG_LEVEL: logLevel }),
    },
    WorkingDirectory: stateHome,
    // A core file would hold the keys that kartad and its agents have.
    HardResourceLimits: { Core: 0 },
    RunAtLoad: true,
    // After a crash, not after `karta stop`.
    KeepAlive: { SuccessfulExit: false },
    ExitTimeOut: Math.ceil(settings.drainSeconds) + STOP_MARGIN_SECONDS,
    // Else launchd slows agents' disk and processor down.
    ProcessType: "Interactive",
    StandardOutPath: "/dev/null",
    StandardErrorPath: path.join(stateHome, "kartad.out"),
  });
}

/** Whether the kartad of a property list has this control socket. */
export function plistHasSocket(list: string, socket: string): boolean {
  return list.includes(`<key>KARTA_SOCKET</key>\n    <string>${text(socket)}</string>`);
}

function plist(root: Value): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${element(root, "")}
</plist>
`;
}

function element(value: Value, indent: string): string {
  const deeper = `${indent}  `;
  if (typeof value === "string") return `${indent}<string>${text(value)}</string>`;
  if (typeof value === "number") return `${indent}<integer>${value}</integer>`;
  if (typeof value === "boolean") return `${indent}<${value}/>`;
  const isList = Array.isArray(value);
  const inside = isList
    ? value.map((item: Value) => element(item, deeper))
    : Object.entries(value).map(
        ([key, item]) => `${deeper}<key>${text(key)}</key>\n${element(item, deeper)}`,
      );
  const tag = isList ? "array" : "dict";
  return `${indent}<${tag}>\n${inside.join("\n")}\n${indent}</${tag}>`;
}

function text(plain: string): string {
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
