/** Ctrl-C as a signal that a command can wait for, where ending on the spot is not what the user means. */

/** Aborts at the first SIGINT, SIGTERM or SIGHUP. A second one ends the process as if nobody listened. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => controller.abort());
  return controller.signal;
}
