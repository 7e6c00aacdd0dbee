/** What the visitor reads when a reply does not come. */
import { ApiError, ReplyBrokenOff } from "./api.ts";
import type { Problem } from "./chat-log.ts";

/** Says it for people; the technical part goes to `detail`. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ReplyBrokenOff) {
    return error.turnEnded
      ? { message: "Something went wrong while I was answering.", detail: error.message }
      : { message: "The connection was lost before I could finish.", detail: error.message };
  }
  if (!(error instanceof ApiError)) {
    return { message: "I can't be reached right now. Check your connection and try again.", detail: "" };
  }
  if (error.status === 503 || error.status === 429) {
    return {
      message: `It's busy at the counter. Please try again ${soon(error.retryAfterSeconds)}.`,
      detail: error.message,
    };
  }
  if (error.code === "karta_unreachable") {
    return { message: "I'm away from the counter just now.", detail: error.message };
  }
  return { message: "I couldn't take that message.", detail: error.message };
}

/**
 * True when nobody knows whether the turn ran: trying again must then ask for the same turn, under the same key.
 * After a clear "it failed" a new key asks for a new turn.
 */
export function mayStillRun(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 502;
  return !(error instanceof ReplyBrokenOff && error.turnEnded);
}

function soon(seconds: number | null): string {
  if (seconds === null) return "in a moment";
  if (seconds < 90) return seconds === 1 ? "in a second" : `in ${seconds} seconds`;
  return `in ${Math.round(seconds / 60)} minutes`;
}
