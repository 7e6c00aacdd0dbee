/** What becomes of each parameter of Anthropic's Managed Agents, call by call. As `../parameters.ts`. */
import { ignored, refused, supported, type ParameterTable } from "../../parameters.ts";

const PROJECTS_MATTER = "the project's own matter";
const TIME = "2026-11-25T00:00:00Z";
/** Older clients send it with each request. */
const beta = ignored("what makes a call beta is its header", "true");

const times: ParameterTable = {
  "created_at[gt]": supported("later than a time", TIME),
  "created_at[gte]": supported("at a time or later", TIME),
  "created_at[lt]": supported("before a time", TIME),
  "created_at[lte]": supported("at a time or before", TIME),
};

/** `POST /v1/sessions`. */
export const CREATE_SESSION: ParameterTable = {
  agent: supported("`PROJECT` or `PROJECT@AGENT`; or an object with this `id`", "bot"),
  environment_id: supported("the project's name", "bot"),
  title: supported("kept in the session's metadata", "Order 17"),
  metadata: supported("the session's", { order: "17" }),
  initial_events: supported("as if sent right after", []),
  "agent.version": ignored("there is one", 1),
  "agent.model": refused(PROJECTS_MATTER, { id: "claude-haiku-5-5" }),
  "agent.system": refused(PROJECTS_MATTER, "Be brief."),
  "agent.tools": refused(PROJECTS_MATTER, [{ type: "agent_toolset_20260401" }]),
  "agent.mcp_servers": refused(PROJECTS_MATTER, [{ type: "url", name: "docs", url: "https://mcp.example" }]),
  "agent.skills": refused(PROJECTS_MATTER, [{ type: "custom", skill_id: "skill_1" }]),
  budget: refused("the operator's matter", {
    type: "limit",
    max_list_cost: { amount: "100", currency: "USD" },
  }),
  resources: refused("files are the project's workspace's", [{ type: "file", file_id: "file_1" }]),
  vault_ids: refused("secrets are the project's own", ["vlt_1"]),
};

/** `POST /v1/sessions/{id}`. */
export const UPDATE_SESSION: ParameterTable = {
  title: supported("null takes it away", "Order 18"),
  metadata: supported("merged; null deletes a key", { order: "18" }),
  agent: refused(PROJECTS_MATTER, { tools: [] }),
  budget: refused("the operator's matter", {
    type: "limit",
    max_list_cost: { amount: "100", currency: "USD" },
  }),
  vault_ids: refused("secrets are the project's own", ["vlt_1"]),
};

/** `GET /v1/sessions`. */
export const LIST_SESSIONS: ParameterTable = {
  limit: supported("sessions looked at for a page, at most 200", 10),
  page: supported("the `next_page` of an earlier page", null),
  agent_id: supported("sessions that are this agent's now", "bot"),
  include_archived: supported("archived and deleted ones too", true),
  "statuses[]": supported("`idle`, `running`, `terminated`", ["idle"]),
  ...times,
  agent_version: ignored("there is one", 1),
  order: refused("other than `desc`: newest first, always", "asc", ["desc"]),
  deployment_id: refused("there are no deployments", "dep_1"),
  memory_store_id: refused("there are no memory stores", "mem_1"),
  beta,
};

/** `POST /v1/sessions/{id}/events`: what the events of a type do. */
export const SEND_EVENTS: ParameterTable = {
  "user.message": supported("a turn: text, and base64 images where the agent takes them", {
    type: "user.message",
    content: [{ type: "text", text: "hello" }],
  }),
  "system.message": supported("told to the agent with the message before it", {
    type: "system.message",
    content: [{ type: "text", text: "Be brief." }],
  }),
  "user.interrupt": supported("cancels the running turn; harmless where none runs", {
    type: "user.interrupt",
  }),
  "user.tool_confirmation": supported("`allow` is for once; `deny_message` reaches the agent", {
    type: "user.tool_confirmation",
    tool_use_id: "sevt_1",
    result: "allow",
  }),
  "user.custom_tool_result": supported(
    "answers a question of the agent's, which is an `agent.custom_tool_use`",
    {
      type: "user.custom_tool_result",
      custom_tool_use_id: "sevt_1",
    },
  ),
  "user.define_outcome": refused("nothing grades an agent's work here", { type: "user.define_outcome" }),
  "user.tool_result": refused("the agent runs its tools itself", { type: "user.tool_result" }),
};

/** `GET /v1/sessions/{id}/events`. */
export const LIST_EVENTS: ParameterTable = {
  limit: supported("at most 1,000", 10),
  page: supported("the `next_page` of an earlier page", null),
  "types[]": supported("these types alone", ["user.message"]),
  ...times,
  order: refused("other than `asc`: oldest first, always", "desc", ["asc"]),
  beta,
};

/** `GET /v1/sessions/{id}/events/stream`. */
export const STREAM_EVENTS: ParameterTable = {
  "event_deltas[]": supported("`agent.message`, `agent.thinking`: previews as the agent speaks", [
    "agent.message",
  ]),
  beta,
};
