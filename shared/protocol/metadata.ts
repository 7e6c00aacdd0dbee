/** A session's metadata: its owner's own keys, JSON scalars as values. */
import { z } from "zod";
import { LIMITS } from "./limits.ts";

const value = z.union([z.string().max(LIMITS.metadataStringLength), z.number(), z.boolean(), z.null()], {
  error: "expected a string, number, boolean or null",
});
const key = z.string().min(1).max(LIMITS.metadataKeyLength);

const ofAtMost = (keys: number) =>
  z
    .preprocess(
      (input, context) => {
        // A record passes over this key: it would be lost without a word.
        if (typeof input === "object" && input !== null && Object.hasOwn(input, "__proto__"))
          context.addIssue("__proto__ cannot be a key");
        return input;
      },
      z.record(key, value, { error: "expected an object of JSON scalars" }),
    )
    .refine((metadata) => Object.keys(metadata).length <= keys, {
      error: (issue) => `expected at most ${keys} keys, found ${Object.keys(issue.input ?? {}).length}`,
    })
    .meta({ maxProperties: keys }); // what the refinement says, for the OpenAPI document

export const MetadataSchema = ofAtMost(LIMITS.metadataKeys);
export type Metadata = z.infer<typeof MetadataSchema>;

/** Merged into what is there; null deletes a key. It may name every old key and as many new ones. */
export const MetadataPatchSchema = ofAtMost(2 * LIMITS.metadataKeys);
