/**
 * The two files' own form (spec: karta-toml), key by key. Each error text says what was expected; manifest-issues.ts
 * adds what was found. Unknown keys are dropped here and told by unknown-keys.ts.
 */
import validRange from "semver/ranges/valid.js";
import { z } from "zod";
import { OriginSchema } from "../../shared/protocol/origins.ts";
import { HARNESS_TYPES } from "../../shared/protocol/projects.ts";
import { ProjectNameSchema } from "../../shared/protocol/sessions.ts";

const BUILDPACKS = ["python", "node"] as const;
const PERMISSION_MODES = ["interactive", "autonomous"] as const;
const WORKSPACES = ["shared", "session"] as const;
const INPUT_POLICIES = ["prompt", "deny", "approve_once", "approve_session", "error"] as const;

/** The longest time a Node timer can hold, about 24 days; past it a timer fires at once. */
const MAX_SECONDS = 2_147_483;

const boolean = z.boolean({ error: "expected true or false" });
const text = z
  .string({ error: "expected a string" })
  .min(1, { error: "expected a string of at least one character" });
const texts = z.array(text, { error: "expected a list of strings" });
const SECONDS = `expected a number of seconds, more than 0 and at most ${MAX_SECONDS}`;
const seconds = z
  .number({ error: SECONDS })
  .positive({ error: SECONDS })
  .max(MAX_SECONDS, { error: SECONDS });

function oneOf<const T extends readonly string[]>(values: T) {
  return z.enum(values, {
    error: `expected one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
  });
}

function wholeNumber(minimum: number) {
  const error = `expected a whole number of at least ${minimum}`;
  return z.int({ error }).min(minimum, { error });
}

function table<T extends z.ZodRawShape>(shape: T) {
  return z.object(shape, { error: "expected a table" });
}

const RANGE = 'expected a version range such as "2", "^2.1" or ">=1.4 <3"';

const COMMAND = 'expected a list of strings, the program first, such as ["my-agent", "acp"]';

export const EnvNeedSchema = z.object(
  {
    required: boolean.optional(),
    description: z.string({ error: "expected a string" }).optional(),
  },
  { error: 'expected a table such as { required = true, description = "…" }' },
);

export const KartaTomlSchema = table({
  name: z.string({ error: "expected a string" }).pipe(ProjectNameSchema).optional(),
  deploy: boolean.optional(),
  buildpack: oneOf(BUILDPACKS).optional(),
  entry_point: z.string({ error: 'expected a string of the form "module:attribute"' }).optional(),
  harness: table({
    type: oneOf(HARNESS_TYPES).optional(),
    version: z
      .string({ error: RANGE })
      .refine((range) => range.trim() !== "" && validRange(range) !== null, { error: RANGE }) // whether it is met: registry.ts
      .optional(),
    command: z.array(text, { error: COMMAND }).min(1, { error: COMMAND }).optional(),
    model: text.optional(),
    allowed_tools: texts.optional(),
    disallowed_tools: texts.optional(),
  }).optional(),
  environment: table({ setup: text.optional() }).optional(),
  env: z
    .object({ pass: texts.optional() }, { error: "expected a table of names" })
    .catchall(EnvNeedSchema)
    .optional(),
  runtime: table({
    permission_mode: oneOf(PERMISSION_MODES).optional(),
    approval_timeout_seconds: seconds.optional(),
    turn_timeout_seconds: seconds.optional(),
    workspace: oneOf(WORKSPACES).optional(),
    sandbox: boolean.optional(),
  }).optional(),
  http: table({
    allowed_origins: z.array(OriginSchema, { error: "expected a list of origins" }).optional(),
  }).optional(),
  pool: table({
    spares: wholeNumber(0).optional(),
    idle_timeout_seconds: seconds.optional(),
    max_processes: wholeNumber(1).optional(),
  }).optional(),
});
export type KartaToml = z.infer<typeof KartaTomlSchema>;

export const KartaJsoncSchema = table({
  runtime: table({ permission_mode: oneOf(PERMISSION_MODES).optional() }).optional(),
  harness: table({
    claude: table({
      idle_timeout_seconds: seconds.optional(),
      thinking_budget_tokens: wholeNumber(0).optional(),
      permission_intercept: boolean.optional(),
    }).optional(),
  }).optional(),
  cli: table({
    hidden_event_types: texts.optional(),
    input_required_policy: oneOf(INPUT_POLICIES).optional(),
    input_required_hidden_policy: oneOf(INPUT_POLICIES).optional(),
  }).optional(),
  profile: table({ name: text.optional(), display_name: text.optional() }).optional(),
});
export type KartaJsonc = z.infer<typeof KartaJsoncSchema>;

/** Tables of the original Karta that have no meaning here. */
export const FOREIGN_TABLES: readonly string[] = ["genui", "artifacts"];
