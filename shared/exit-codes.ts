/** Exit codes, once for both programs. `karta`'s come from the spec (cli); `kartad`'s own start at 10. */
import type { KartaError } from "./errors.ts";

export const CLI_EXIT = {
  done: 0,
  failed: 1,
  bad_usage: 2,
  no_daemon: 3,
  not_found: 4,
  refused: 5,
} as const;

export const DAEMON_EXIT = {
  stopped: 0,
  /** Anything unforeseen; the line above says what. */
  failed: 1,
  /** An unknown flag, or a value that a flag or `kartad.toml` does not take. */
  bad_config: 2,
  /** Another program listens on the HTTP address. */
  port_taken: 10,
  /** Another kartad holds the lock or answers on the socket. */
  already_running: 11,
  /** The state folder or the socket's folder cannot be written. */
  state_unwritable: 12,
  /** The store was written by a newer kartad; it is left untouched. */
  store_newer: 13,
  /** An address other than loopback without an API key or `--insecure`. */
  unsafe_bind: 14,
  /** The store is damaged; it is left as it is until `karta doctor --repair` or `karta restore`. */
  store_corrupt: 15,
  /** A second signal arrived while draining. */
  forced: 130,
} as const;
export type DaemonExit = keyof typeof DAEMON_EXIT;

/** What `karta` exits with for an error the daemon sent: 4 not found, 5 refused (any other 4xx), 1 the rest. */
export function exitCodeFor(error: KartaError): number {
  if (error.status === 404) return CLI_EXIT.not_found;
  if (error.status >= 400 && error.status < 500) return CLI_EXIT.refused;
  return CLI_EXIT.failed;
}
