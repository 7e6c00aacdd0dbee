/** What the scripted harness and its child say to each other: one JSON value a line, a socket an agent. */
import { z } from "zod";

/** A turn's text is one of these, as JSON: the sender says what the agent is to say. */
export const OrderSchema = z.object({
  events: z.int().nonnegative(),
  /** 0: as fast as they are read. */
  perSecond: z.number().nonnegative(),
});
export type Order = z.infer<typeof OrderSchema>;

/** A text event's words: when they were written, by the clock that all processes share. */
export function stamp(monotonic: number): string {
  return `@${monotonic.toFixed(3)} `;
}

export const STAMP = /@(\d+\.\d+) /;

/** Said after a turn's last event. */
export const END = "end";
