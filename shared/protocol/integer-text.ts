/** A whole number in a query string. */
import { z } from "zod";

/** @param what names it in the error */
export const integerText = (what: string, minimum: number, maximum: number) =>
  z.coerce
    .number({ error: `expected ${what}: a whole number from ${minimum} to ${maximum}` })
    .int({ error: `expected ${what}: a whole number` })
    .min(minimum, { error: `expected ${what}: at least ${minimum}` })
    .max(maximum, { error: `expected ${what}: at most ${maximum}` });
