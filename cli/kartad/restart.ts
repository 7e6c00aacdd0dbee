/** Stops and starts kartad, by hand or through the service that keeps it. */
import type { Status } from "../../shared/protocol/control.ts";
import type { KartaClient } from "../client/client.ts";
import { CliError } from "../client/errors.ts";
import { routes } from "../client/routes.ts";
import { count } from "../render/units.ts";
import { serviceAt, serviceOf } from "../service/service.ts";
import { kartadArguments, type KartadFlags } from "./flags.ts";
import { readKartadToml } from "./kartad-toml.ts";
import { Progress } from "./progress.ts";
import { requireSafeBind } from "./safe-bind.ts";
import { differences, sameFlags } from "./settings.ts";
import { awaitOther, startKartad } from "./start.ts";
import { stopKartad, type StopOptions } from "./stop.ts";

/**
 * @param before the running kartad's status; null: none runs, and one is started
 * @throws CliError `no_service` for flags that a service's kartad cannot be given,
 *   `unsafe_bind`, and as `stopKartad` and `startKartad`
 */
export async function restartKartad(
  client: KartaClient,
  before: Status | null,
  flags: KartadFlags,
  timeoutSeconds: number,
): Promise<Status> {
  const progress = new Progress();
  const onDraining = (turns: number): void =>
    progress.show(`stopping kartad… ${count(turns, "turn")} still running`);
  try {
    const service = before?.service ?? null;
    if (before !== null && service !== null) {
      requireSameFlags(before, flags);
      progress.show("restarting kartad…");
      // The manager waits for the drain, and its sockets hold whoever connects meanwhile.
      await serviceOf(service).restart(client, { timeoutSeconds, onDraining });
      return await awaitOther(client, before.pid, timeoutSeconds);
    }
    if (before !== null) {
      await requireBindOf(client, before, flags);
      await stopKartad(client, { timeoutSeconds, onDraining });
    }
    progress.show("starting kartad…");
    return await (before === null
      ? startAnyKartad(client, flags, timeoutSeconds)
      : startKartad(client, sameFlags(before, flags), timeoutSeconds));
  } finally {
    progress.clear();
  }
}

/** Starts kartad where none runs: the installed service, else one in the background. @throws as `restartKartad` */
export async function startAnyKartad(
  client: KartaClient,
  flags: KartadFlags,
  timeoutSeconds: number,
): Promise<Status> {
  const service = serviceAt(client.socket);
  if (service === null) return startKartad(client, flags, timeoutSeconds);
  requireNoFlags(kartadArguments(flags, "").slice(0, -2));
  await service.start();
  return awaitOther(client, 0, timeoutSeconds);
}

/**
 * Stops kartad, however it is kept running.
 * @returns its status from just before
 * @throws as `stopKartad`; CliError `no_service` for a service that is another's to stop
 */
export async function stopAnyKartad(client: KartaClient, options: StopOptions): Promise<Status> {
  const before = await client.call(routes.status);
  const service = before.service ?? null;
  if (service === null) return stopKartad(client, options);
  await serviceOf(service).stop(client, options);
  return before;
}

/** Its own address too: the keys that it was let have it for may be gone. */
async function requireBindOf(client: KartaClient, before: Status, given: KartadFlags): Promise<void> {
  const { host = "", home = "" } = sameFlags(before, given);
  const insecure = given.insecure ?? readKartadToml(home).insecure ?? false;
  const again = given.host === undefined ? "karta restart" : `karta restart --host ${given.host}`;
  await requireSafeBind(client, { host, insecure }, again);
}

function requireSameFlags(before: Status, flags: KartadFlags): void {
  requireNoFlags([
    ...differences(before, flags),
    ...(flags["log-level"] === undefined ? [] : [`--log-level ${flags["log-level"]}`]),
    ...(flags.insecure ? ["--insecure"] : []),
  ]);
}

function requireNoFlags(flags: readonly string[]): void {
  if (flags.length === 0) return;
  throw new CliError(
    "no_service",
    `kartad runs as a service, whose settings stand in its unit; \`karta service install ${flags.join(" ")}\` changes them`,
  );
}
