/**
 * What Karta and an app's own process say to each other.
 *
 * Today there is one conversation: a child imports the entry point, prints one `ImportOutcome` and ends
 * (python/karta/check.py, node/check.js). The long-lived worker that runs an app's handlers, policies and tools comes in
 * here too: JSON-RPC, one message a line, over the worker's stdin and stdout, with `hello` (this file's `Features`) as
 * its first message. It will start as the check does: same interpreter, same environment (child-environment.ts), same
 * `--import` hook or PYTHONPATH, so an entry point that passed the check loads in the worker.
 */
import { z } from "zod";

/** How much an app has registered. All 0 until hooks exist. */
export const FeaturesSchema = z.object({
  handlers: z.int().nonnegative(),
  policies: z.int().nonnegative(),
  tools: z.int().nonnegative(),
});
export type Features = z.infer<typeof FeaturesSchema>;

/** Relative to the app's folder where it lies in it, else absolute. */
const place = { file: z.string().nullable(), line: z.int().nullable() };
const names = z.array(z.string());

/** What came of an import, as the child reports it. */
export const ImportOutcomeSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("loaded"), features: FeaturesSchema }),
  /** The entry point's own module does not exist. */
  z.object({ outcome: z.literal("module_missing") }),
  /** Its name led to a module outside the app's folder (one of the language's own, say). */
  z.object({ outcome: z.literal("module_elsewhere"), file: z.string().nullable() }),
  /** Something that is installed, or not: `pip`'s or `npm`'s business. */
  z.object({ outcome: z.literal("dependency_missing"), name: z.string(), ...place }),
  /** A file of the app's own that another one imports, or a part of an installed package. */
  z.object({ outcome: z.literal("import_missing"), name: z.string(), ...place }),
  /** `instances`: the module's names that are Karta apps; `names`: all its public names. */
  z.object({ outcome: z.literal("attribute_missing"), instances: names, names }),
  z.object({ outcome: z.literal("not_an_app"), found: z.string(), instances: names }),
  z.object({ outcome: z.literal("syntax_error"), message: z.string(), ...place }),
  /** `message` is the traceback's last line. */
  z.object({ outcome: z.literal("raised"), message: z.string(), ...place }),
  z.object({ outcome: z.literal("exited"), code: z.int() }),
]);
export type ImportOutcome = z.infer<typeof ImportOutcomeSchema>;

/** What `checkEntryPoint` says. `problem` is what is wrong, `fix` what to do; both are for people. */
export type EntryPointCheck =
  | { readonly ok: true; readonly features: Features }
  | { readonly ok: false; readonly problem: string; readonly fix: string };
