/** Session tokens: what a browser speaks to a project with, on behalf of one end user (spec: managed-agents, Tokens for browsers). */
import { z } from "zod";
import { LIMITS } from "./limits.ts";
import { oneLine } from "./participants.ts";
import { route } from "./route.ts";
import { NoQuerySchema } from "./sessions.ts";

/** Begins the subject of a visitor whose user id nobody vouches for, so that it is never that of a user who is known. */
export const VISITOR_PREFIX = "visitor:";

/** How the app names one of its users. */
export const EndUserSchema = oneLine(LIMITS.endUserLength).refine((id) => !id.startsWith(VISITOR_PREFIX), {
  error: `expected a user's id, which does not begin with ${VISITOR_PREFIX}`,
});

export const CreateSessionTokenSchema = z.strictObject({
  sub: EndUserSchema.describe(
    "The user, as the app names them: the token reaches the sessions of this user alone.",
  ),
  expires_in: z
    .int()
    .min(LIMITS.shortestTokenSeconds)
    .max(LIMITS.longestTokenSeconds)
    .optional()
    .describe("Seconds; an hour if not given."),
});

export const CreateEmbedTokenSchema = z.strictObject({
  embed_key: z.string().min(1).max(200),
  user_id: EndUserSchema.optional().describe("Left out: a new visitor, whom nobody else is."),
  identity_token: z
    .string()
    .max(200)
    .optional()
    .describe("Hex HMAC-SHA256 of `user_id` under the key's identity secret, where the key has one."),
});

export const SessionTokenSchema = z.object({
  token: z.string(),
  expires_in: z.int().positive().describe("Seconds."),
});
export type SessionToken = z.infer<typeof SessionTokenSchema>;

/** Under a project's base. */
export const sessionTokenRoutes = {
  createSessionToken: route({
    method: "POST",
    path: "/session_tokens",
    summary: "Make a token for one user's browser",
    description:
      "For an app's own backend, with an API key. The token reaches the routes of this project alone, and there the " +
      "sessions of `sub`; those that it makes are that user's. It ends with the key that made it, at the latest.",
    access: "backend",
    status: 201,
    query: NoQuerySchema,
    body: CreateSessionTokenSchema,
    response: SessionTokenSchema,
    errors: [],
  }),
} as const;

/** Under `/v1`. */
export const embedRoutes = {
  createEmbedToken: route({
    method: "POST",
    path: "/embed/session-tokens",
    summary: "Make a token for a page's visitor, with an embed key",
    description:
      "For a page of one of the key's origins, with no backend. A key that has an identity secret wants an " +
      "`identity_token`; with another one, a `user_id` is a visitor's own word, and reaches no known user's sessions.",
    access: "public",
    status: 201,
    query: NoQuerySchema,
    body: CreateEmbedTokenSchema,
    response: SessionTokenSchema,
    errors: ["unauthorized"],
  }),
} as const;
