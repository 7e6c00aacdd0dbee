/** What every part of a start is given. */
import type { Logger } from "pino";
import type { Config } from "../config.ts";

export interface StartContext {
  readonly config: Config;
  readonly logger: Logger;
  /** Milliseconds since the epoch: for what people read, and what must hold over a restart. It may jump. */
  readonly now: () => number;
  /** Milliseconds of a clock that only goes forward: for whatever is a length of time within this run. */
  readonly elapsed: () => number;
  /** What was started, undone in reverse by `stop` or by a start that fails: each is deferred as soon as it runs. */
  readonly undo: AsyncDisposableStack;
}
