/** A request's path as the log has it. */
import type { Request } from "express";

/** What looks like one of our keys or tokens, as far as it is no secret. A client may put anything into a path. */
const SECRET = /(sk_live_[0-9a-z]{0,12}|idsec_[0-9a-f]{0,6})[\w.-]*|(\bey[\w-]{6})[\w-]*\.[\w.-]*/g;

/** Without its query, and without what must never be written down. */
export function loggedPath({ originalUrl }: Pick<Request, "originalUrl">): string {
  return (originalUrl.split("?")[0] ?? "").replace(SECRET, "$1$2…");
}
