/**
 * Keys as the operator's plane shows them (spec: cli, managed-agents): API keys for programs, embed keys for pages. An
 * API key's text is in the answer that made it and nowhere else.
 */
import { z } from "zod";
import { TimeSchema } from "../events.ts";
import { OriginSchema } from "./origins.ts";
import { oneLine } from "./participants.ts";
import { route } from "./route.ts";
import { NoQuerySchema, NothingSchema, ProjectNameSchema } from "./sessions.ts";

/** `read` looks at sessions; `write` makes and drives them too, and makes session tokens; `admin` sees the daemon's own measurements too. */
export const KeyScopeSchema = z.enum(["read", "write", "admin"]);
export type KeyScope = z.infer<typeof KeyScopeSchema>;

const KeyNameSchema = oneLine(100);

export const CreateKeySchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("api"),
    name: KeyNameSchema,
    scope: KeyScopeSchema.optional().describe("`write` if not given."),
    project: ProjectNameSchema.optional().describe("Left out: every project."),
    expires_at: TimeSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal("embed"),
    name: KeyNameSchema,
    project: ProjectNameSchema,
    origins: z.array(OriginSchema).min(1).max(20),
    /** True: a visitor who has a user id must prove it, with an HMAC under the key's identity secret. */
    verify_identity: z.boolean().optional(),
    expires_at: TimeSchema.optional(),
  }),
]);
export type CreateKey = z.infer<typeof CreateKeySchema>;

export const KeySchema = z.object({
  id: z.string(),
  kind: z.enum(["api", "embed"]),
  name: z.string(),
  /** What a key's text begins with; an embed key's is its whole text, which is no secret. */
  prefix: z.string(),
  /** Null: an embed key's. */
  scope: KeyScopeSchema.nullable(),
  /** Null: every project. */
  project: z.string().nullable(),
  /** The pages that an embed key is for; none for an API key. */
  origins: z.array(z.string()),
  verifies_identity: z.boolean(),
  state: z.enum(["active", "expired", "revoked"]),
  created_at: TimeSchema,
  expires_at: TimeSchema.nullable(),
  revoked_at: TimeSchema.nullable(),
  /** To within a minute. */
  last_used_at: TimeSchema.nullable(),
});
export type Key = z.infer<typeof KeySchema>;

/** A key as it was made. Its secrets are shown this once. */
export const CreatedKeySchema = KeySchema.extend({
  key: z.string(),
  identity_secret: z.string().nullable(),
});
export type CreatedKey = z.infer<typeof CreatedKeySchema>;

export const keyRoutes = {
  createKey: route({
    method: "POST",
    path: "/control/v1/keys",
    summary: "Make an API key or an embed key; its text is shown this once",
    status: 201,
    query: NoQuerySchema,
    body: CreateKeySchema,
    response: CreatedKeySchema,
    errors: ["key_name_taken", "too_many_keys", "storage_unavailable"],
  }),
  listKeys: route({
    method: "GET",
    path: "/control/v1/keys",
    summary: "Every key, newest first, also those that are revoked or have expired",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: z.object({ data: z.array(KeySchema) }),
    errors: ["storage_unavailable"],
  }),
  revokeKey: route({
    method: "DELETE",
    path: "/control/v1/keys/:key",
    summary: "Revoke a key, by its id or name: at once, with all that it has open and the tokens it made",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: KeySchema,
    errors: ["storage_unavailable"],
  }),
} as const;
