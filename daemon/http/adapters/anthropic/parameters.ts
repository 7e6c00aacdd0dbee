/**
 * What becomes of each parameter of Anthropic's Messages. One table: requests are checked against it, the documentation's
 * table is held against it, and each row has its test. Those of Managed Agents are in `managed/parameters.ts`.
 */
import { ignored, refused, supported, type ParameterTable } from "../parameters.ts";

const OWN_TOOLS = "the agent has its project's tools, and runs them itself";
const OWN_CONTEXT = "the harness looks after its context itself";
const OF_THE_SERVICE = "a matter of Anthropic's own service";
const BY_MESSAGES = "a conversation is named by its messages, or by the header `X-Karta-Session`";

/** `POST /v1/messages`, and `POST /v1/messages/count_tokens`, whose parameters are among them. */
export const MESSAGE_PARAMETERS: ParameterTable = {
  model: supported(
    "`PROJECT`, `PROJECT@AGENT`, `PROJECT@VERSION`; a project's own base takes any other model's name too",
    "bot",
  ),
  messages: supported(
    "the user's last is the turn, and those before it name the conversation; text, base64 images",
    [{ role: "user", content: "hello" }],
  ),
  system: supported("told to the agent when new or changed", "Answer in French."),
  stream: supported("Anthropic's events, as the agent speaks", true),
  "thinking.type": supported("`enabled` and `adaptive` show the agent's thinking", "adaptive"),
  "thinking.budget_tokens": ignored("the project's matter", 2000),
  "thinking.display": supported("`omitted` shows none", "omitted"),
  "metadata.user_id": supported("kept in the session's metadata", "user-17"),
  max_tokens: ignored("a turn has a time limit instead", 1000),
  temperature: ignored("the harness sets it", 0.5),
  top_p: ignored("the harness sets it", 0.9),
  top_k: ignored("the harness sets it", 40),
  cache_control: ignored("the harness caches by itself", { type: "ephemeral" }),
  "output_config.effort": ignored("the project's matter", "low"),
  "output_config.format": refused("an agent keeps to no schema", { type: "json_schema", schema: {} }),
  output_format: refused("an agent keeps to no schema", { type: "json_schema", schema: {} }),
  tools: refused(OWN_TOOLS, [{ name: "get_weather", input_schema: { type: "object" } }]),
  "tool_choice.type": refused(`other than \`auto\`: ${OWN_TOOLS}`, "any", ["auto"]),
  mcp_servers: refused(OWN_TOOLS, [{ type: "url", name: "docs", url: "https://mcp.example" }]),
  container: refused(OWN_TOOLS, "container_1"),
  stop_sequences: refused("an agent does not stop at them", ["END"]),
  inference_geo: refused("where the model runs is the project's matter", "eu"),
  context_management: ignored(OWN_CONTEXT, { edits: [] }),
  compaction: refused(OWN_CONTEXT, { type: "enabled" }),
  thread: refused(BY_MESSAGES, { type: "create" }),
  fallbacks: refused("which model answers is the project's matter", [{ model: "claude-haiku-5-5" }]),
  fallback_credit_token: refused("which model answers is the project's matter", "token_1"),
  service_tier: ignored(OF_THE_SERVICE, "auto"),
  speed: ignored(OF_THE_SERVICE, "fast"),
  diagnostics: ignored(OF_THE_SERVICE, { previous_message_id: "msg_1" }),
  billing_policy: ignored(OF_THE_SERVICE, { type: "default" }),
};
