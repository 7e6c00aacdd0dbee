/** What kartad's exit codes mean to an operator. */
import { DAEMON_EXIT, type DaemonExit } from "../../shared/exit-codes.ts";

const EXIT_MEANING: Readonly<Record<DaemonExit, string>> = {
  stopped: "it was stopped while it started",
  failed: "an unforeseen error",
  bad_config: "a flag or a value in kartad.toml is wrong",
  port_taken: "another program listens on the port; choose one with --port",
  already_running: "another kartad holds the state folder or the socket",
  state_unwritable: "the state folder or the socket's folder cannot be written",
  store_newer: "the store was written by a newer kartad; it is left untouched",
  unsafe_bind:
    "others could reach the address, and there is no API key: on 127.0.0.1 `karta keys create NAME` makes one; or say --insecure",
  store_corrupt: "the store is damaged; it is left as it is",
  forced: "it was stopped while it started",
};

const REASONS: ReadonlyMap<number, DaemonExit> = new Map([
  [DAEMON_EXIT.stopped, "stopped"],
  [DAEMON_EXIT.bad_config, "bad_config"],
  [DAEMON_EXIT.port_taken, "port_taken"],
  [DAEMON_EXIT.already_running, "already_running"],
  [DAEMON_EXIT.state_unwritable, "state_unwritable"],
  [DAEMON_EXIT.store_newer, "store_newer"],
  [DAEMON_EXIT.unsafe_bind, "unsafe_bind"],
  [DAEMON_EXIT.store_corrupt, "store_corrupt"],
  [DAEMON_EXIT.forced, "forced"],
]);

/** Any other code counts as `failed`. */
export function exitMeaning(code: number): { readonly reason: DaemonExit; readonly words: string } {
  const reason = REASONS.get(code) ?? "failed";
  return { reason, words: EXIT_MEANING[reason] };
}
