/** What every part of a start is given. */
import type { Logger } from "pino";
import type { Config } from "../config.ts";

export interface StartContext {
  readonly config: Config;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What was started, undone in reverse by `stop` or by a start that fails: each is deferred as soon as it runs. */
  readonly undo: AsyncDisposableStack;
}
