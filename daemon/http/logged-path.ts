/** A request's path as the log has it. */
import type { Request } from "express";
import { maskShapes } from "../../shared/secret-shapes.ts";

/** A longer one says no more. */
const LONGEST = 500;

/** Without its query, and without what looks like a credential: a client may put anything into a path. */
export function loggedPath({ originalUrl }: Pick<Request, "originalUrl">): string {
  const path = maskShapes(originalUrl.split("?")[0] ?? "");
  return path.length <= LONGEST ? path : `${path.slice(0, LONGEST)}…`;
}
