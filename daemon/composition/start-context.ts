/** What every part of a start is given. */
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { Secrets } from "../log/secrets.ts";

export interface StartContext {
  readonly config: Config;
  readonly logger: Logger;
  /** What the log keeps out of its lines, for whatever else tells something. */
  readonly secrets: Secrets;
  /** Milliseconds since the epoch: for what people read, and what must hold over a restart. It may jump. */
  readonly now: () => number;
  /** Milliseconds of a clock that only goes forward: for whatever is a length of time within this run. */
  readonly elapsed: () => number;
  /** What was started, undone in reverse by `stop` or by a start that fails: each is deferred as soon as it runs. */
  readonly undo: AsyncDisposableStack;
}
