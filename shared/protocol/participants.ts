/** Who takes part in a session. A participant's name reaches the agent's prompt and people's terminals. */
import { z } from "zod";
import { LIMITS } from "./limits.ts";

// Control characters, line and paragraph separators, lone surrogates, and what turns the writing direction round.
const UNFIT = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** A text of one line, 1 to so many characters, that may stand in a prompt, a log and a terminal. */
export const oneLine = (maximum: number) =>
  z
    .string()
    .min(1)
    .max(maximum)
    .refine((name) => !UNFIT.test(name), {
      error: "expected one line, without control characters or marks that turn the writing direction",
    })
    .refine((name) => name.trim() === name, { error: "expected no space at either end" });

export const ParticipantNameSchema = oneLine(LIMITS.participantNameLength);
export const ParticipantTypeSchema = z.enum(["human", "ai"]);

/** What is left out stays as it is for a name that is known. */
export const AddParticipantSchema = z.strictObject({
  name: ParticipantNameSchema,
  type: ParticipantTypeSchema,
  display_name: oneLine(LIMITS.displayNameLength).nullable().optional(),
});
export type AddParticipant = z.infer<typeof AddParticipantSchema>;
