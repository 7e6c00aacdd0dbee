/**
 * What an app's own process says of its import. Two programs say it: the check of `project add` prints one
 * `ImportOutcome` and ends (python/karta/check.py, node/check.js); the worker answers `load` with one and stays
 * (worker-protocol.ts). Both start alike (app-command.ts), so an entry point that passed the check loads in the worker.
 */
import { z } from "zod";
import type { AppCommand } from "./app-command.ts";

/** How much an app has registered. */
export const FeaturesSchema = z.object({
  handlers: z.int().nonnegative(),
  policies: z.int().nonnegative(),
  tools: z.int().nonnegative(),
});
export type Features = z.infer<typeof FeaturesSchema>;

const APP_EVENTS = ["session.created", "message.received", "message.completed", "agent.handoff"] as const;

/** What an app has registered, in its own order. */
export const AppDescriptionSchema = z.object({
  handlers: z.array(z.object({ event: z.enum(APP_EVENTS), name: z.string() })),
  /** Names, for logs. */
  policies: z.array(z.string()),
  tools: z
    .array(
      z.object({
        name: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/),
        description: z.string(),
        /** JSON Schema of an object. */
        input_schema: z.record(z.string(), z.json()),
        timeout_seconds: z.number().positive().max(3600),
      }),
    )
    .max(64),
});
export type AppDescription = z.infer<typeof AppDescriptionSchema>;

export const NO_APP: AppDescription = { handlers: [], policies: [], tools: [] };

/** True when an app has nothing that would ever be called: then it needs no worker. */
export function isIdle(app: AppDescription): boolean {
  return app.handlers.length + app.policies.length + app.tools.length === 0;
}

/** Relative to the app's folder where it lies in it, else absolute. */
const place = { file: z.string().nullable(), line: z.int().nullable() };
const names = z.array(z.string());

/** What came of an import, as the child reports it. */
export const ImportOutcomeSchema = z.discriminatedUnion("outcome", [
  /** `app` is left out by copies of the class that are older than hooks. */
  z.object({ outcome: z.literal("loaded"), features: FeaturesSchema, app: AppDescriptionSchema.optional() }),
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
export type FailedImport = Exclude<ImportOutcome, { outcome: "loaded" }>;

/** What `checkEntryPoint` says. `problem` is what is wrong, `fix` what to do; both are for people. */
export type EntryPointCheck =
  | {
      readonly ok: true;
      readonly features: Features;
      readonly app: AppDescription;
      /** Starts its worker; null: it needs none. */
      readonly worker: AppCommand | null;
    }
  | FailedCheck;
export type FailedCheck = { readonly ok: false; readonly problem: string; readonly fix: string };
