/**
 * Agents and environments of Anthropic's Managed Agents, read-only: a project is an environment, and each of its agents
 * an agent. Both are folders on the operator's machine; nothing is made or changed through this API.
 */
import { z } from "zod";
import { TimeSchema } from "../../../events.ts";
import { integerText } from "../../integer-text.ts";

const nothing = z.array(z.never()).max(0);
const noMetadata = z.object({});

/** What a session knows of its agent. The instructions, tools and skills are the folder's, and not told. */
export const SessionAgentSchema = z.object({
  id: z.string().describe("`PROJECT`, or `PROJECT@AGENT`."),
  type: z.literal("agent"),
  name: z.string(),
  version: z.int().positive(),
  description: z.null(),
  /** Whatever the agent's own project runs as. */
  execution_identity: z.object({ type: z.literal("service_account") }),
  mcp_servers: nothing,
  model: z.object({ id: z.string() }),
  multiagent: z.null(),
  skills: nothing,
  system: z.null(),
  tools: nothing,
});
export type SessionAgent = z.infer<typeof SessionAgentSchema>;

export const AgentSchema = SessionAgentSchema.extend({
  metadata: noMetadata,
  created_at: TimeSchema,
  updated_at: TimeSchema,
  archived_at: z.null(),
});
export type Agent = z.infer<typeof AgentSchema>;

export const EnvironmentSchema = z.object({
  id: z.string().describe("The project's name."),
  type: z.literal("environment"),
  name: z.string(),
  description: z.null(),
  /** Tools run where kartad is, not with the client: that is what `cloud` tells a client. */
  config: z.object({
    type: z.literal("cloud"),
    networking: z.object({ type: z.literal("unrestricted") }),
    packages: z.object({
      apt: nothing,
      cargo: nothing,
      gem: nothing,
      go: nothing,
      npm: nothing,
      pip: nothing,
    }),
  }),
  metadata: noMetadata,
  created_at: TimeSchema,
  updated_at: TimeSchema,
  archived_at: z.null(),
});
export type Environment = z.infer<typeof EnvironmentSchema>;

export const PageQuerySchema = z.looseObject({
  limit: integerText("a page size", 1, 1000).optional(),
  page: z.string().max(1000).optional().describe("The `next_page` of an earlier page."),
});

const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({ data: z.array(item), next_page: z.string().nullable() });

export const AgentPageSchema = pageOf(AgentSchema);
export const EnvironmentPageSchema = pageOf(EnvironmentSchema);
