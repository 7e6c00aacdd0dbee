/** What the running kartad was started with, as its status tells, against what the flags ask for. */
import { resolve } from "node:path";
import type { Status } from "../../shared/protocol/control.ts";
import type { KartadFlags } from "./flags.ts";

/** The flags that would start a kartad like the running one; those given win. */
export function sameFlags(status: Status, given: KartadFlags): KartadFlags {
  const { hostname, port } = address(status);
  return {
    ...given,
    host: given.host ?? hostname,
    port: given.port ?? port,
    offline: given.offline === true || status.offline,
    home: given.home ?? status.state_home,
  };
}

/** The flags that the running kartad does not honour: `["--port 9000"]`. Only flags that were given count. */
export function differences(status: Status, given: KartadFlags): string[] {
  const { hostname, port } = address(status);
  return [
    ...(given.port === undefined || given.port === port ? [] : [`--port ${given.port}`]),
    ...(given.host === undefined || given.host === hostname ? [] : [`--host ${given.host}`]),
    ...(given.offline && !status.offline ? ["--offline"] : []),
    ...(given.home === undefined || resolve(given.home) === status.state_home
      ? []
      : [`--home ${given.home}`]),
  ];
}

function address(status: Status): { hostname: string; port: number } {
  const url = new URL(status.url);
  const fallback = url.protocol === "https:" ? 443 : 80; // URL leaves a scheme's own port out
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? fallback : Number(url.port),
  };
}
