/** Sessions of Anthropic's Managed Agents: a projection of Karta's own. */
import { z } from "zod";
import { TimeSchema } from "../../../events.ts";
import { integerText } from "../../integer-text.ts";
import { SessionAgentSchema } from "./agents.ts";
import { UserEventParamSchema } from "./event-params.ts";

const nothing = z.array(z.never()).max(0);

export const ManagedSessionSchema = z.object({
  id: z.string(),
  type: z.literal("session"),
  agent: SessionAgentSchema,
  environment_id: z.string(),
  /** Awaiting an answer is `idle` too, as it is there: the last `session.status_idle` says what is asked. */
  status: z.enum(["running", "idle", "terminated"]),
  title: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  created_at: TimeSchema,
  updated_at: TimeSchema,
  archived_at: TimeSchema.nullable(),
  usage: z.object({ input_tokens: z.int().nonnegative(), output_tokens: z.int().nonnegative() }),
  stats: z.object({}),
  budget: z.null(),
  deployment_id: z.null(),
  outcome_evaluations: nothing,
  resources: nothing,
  vault_ids: nothing,
});
export type ManagedSession = z.infer<typeof ManagedSessionSchema>;

const TitleSchema = z.string().max(1000).nullish();
const MetadataValueSchema = z.string().max(512);
const MetadataKeySchema = z.string().min(1).max(64);

const AgentReferenceSchema = z.union(
  [
    z.string().min(1).max(300),
    z.looseObject({
      type: z.enum(["agent", "agent_with_overrides"]),
      id: z.string().min(1).max(300),
      version: z.int().optional(),
    }),
  ],
  { error: "expected an agent's id, or an object with its id and type" },
);

export const CreateManagedSessionSchema = z.looseObject({
  agent: AgentReferenceSchema,
  environment_id: z.string().min(1).max(300),
  title: TitleSchema,
  metadata: z.record(MetadataKeySchema, MetadataValueSchema).optional(),
  initial_events: z.array(UserEventParamSchema).max(50).optional(),
});
export type CreateManagedSession = z.infer<typeof CreateManagedSessionSchema>;

export const UpdateManagedSessionSchema = z.looseObject({
  title: TitleSchema,
  metadata: z.record(MetadataKeySchema, MetadataValueSchema.nullable()).nullish(),
});
export type UpdateManagedSession = z.infer<typeof UpdateManagedSessionSchema>;

export const ListManagedSessionsQuerySchema = z.looseObject({
  limit: integerText("a page size", 1, 200).optional(),
  page: z.string().max(1000).optional().describe("The `next_page` of an earlier page."),
  agent_id: z.string().max(300).optional(),
  include_archived: z.enum(["true", "false"]).optional(),
});
export type ListManagedSessionsQuery = z.infer<typeof ListManagedSessionsQuerySchema>;

/** Newest first. A page may be shorter than its limit, or empty, and have a next one: filters are applied to each page. */
export const ManagedSessionPageSchema = z.object({
  data: z.array(ManagedSessionSchema),
  next_page: z.string().nullable(),
  prev_page: z.null(),
});

export const DeletedSessionSchema = z.object({ id: z.string(), type: z.literal("session_deleted") });
