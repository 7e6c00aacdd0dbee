/** What every part of a start is given. */
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { Secrets } from "../log/secrets.ts";

export interface StartContext {
  readonly config: Config;
  readonly logger: Logger;
  /** What the log keeps out of its lines, for whatever else tells something. */
  readonly secrets: Secrets;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What was started, undone in reverse by `stop` or by a start that fails: each is deferred as soon as it runs. */
  readonly undo: AsyncDisposableStack;
}
