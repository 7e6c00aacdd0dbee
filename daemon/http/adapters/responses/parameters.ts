/**
 * What becomes of each parameter of `POST /responses`. One table: requests are refused by it, the documentation's (docs/openai.md) is held
 * against it, and each row has its test.
 */
import { KartaError } from "../../../../shared/errors.ts";
import { ignored, namesIn, refused, supported, valueAt, type ParameterTable } from "../parameters.ts";

export const RESPONSES_PARAMETERS: ParameterTable = {
  model: supported("the project's name, or `name@agent`", "bot"),
  input: supported("text, or items: messages of text and images (`data:` URLs), `item_reference`", "hello"),
  instructions: supported(
    "told to the agent when new or changed; they hold until others are given",
    "Answer in French.",
  ),
  previous_response_id: supported(
    "the same session where that response is its newest, else a new one that is told the history",
    null,
  ),
  conversation: supported("a session, by its id or as `conv_…`", null),
  store: supported("`false`: nothing to come back to; its session ends with it", false),
  stream: supported("OpenAI's events, numbered from the event log", true),
  background: supported("goes on without its client; read, stream or cancel it by id", true),
  metadata: supported("kept, and the session's when that is new", { order: "17" }),
  "reasoning.summary": supported(
    "asks for reasoning items: the harness's own words, not a summary of them",
    "auto",
  ),
  "reasoning.effort": ignored("the project's own matter", "low"),
  tools: ignored("the project's own tools are used, yours are never called", [{ type: "web_search" }]),
  tool_choice: refused("no tool of yours is called; `auto` and `none` are fine", "required", [
    "auto",
    "none",
  ]),
  "text.format": refused("no format can be forced on an agent; `text` is fine", { type: "json_object" }, [
    { type: "text" },
  ]),
  "text.verbosity": ignored("say it in the instructions", "low"),
  top_logprobs: refused("there are none; 0 is fine", 3, [0]),
  include: ignored("but `message.output_text.logprobs` is refused", ["reasoning.encrypted_content"]),
  prompt: refused("there are no stored prompts", { id: "pmpt_1" }),
  moderation: refused("nothing is moderated here", { model: "omni-moderation-latest" }),
  max_tool_calls: refused("the agent's calls cannot be counted beforehand", 3),
  max_output_tokens: ignored("the agent's turn has a time limit instead", 500),
  temperature: ignored("the harness's own matter", 0.2),
  top_p: ignored("the harness's own matter", 0.9),
  parallel_tool_calls: ignored("the harness's own matter", false),
  truncation: ignored("the harness compacts its conversation itself", "auto"),
  context_management: ignored("the harness compacts its conversation itself", [{ type: "compaction" }]),
  stream_options: ignored("nothing is obfuscated", { include_obfuscation: false }),
  user: ignored("repeated in the response", "customer-17"),
  safety_identifier: ignored("OpenAI's own", "customer-17"),
  service_tier: ignored("OpenAI's own", "flex"),
  prompt_cache_key: ignored("OpenAI's own", "bot"),
  prompt_cache_options: ignored("OpenAI's own", { mode: "implicit" }),
  prompt_cache_retention: ignored("OpenAI's own", "24h"),
  access_programs: ignored("OpenAI's own", { cyber: "standard" }),
  image: ignored("OpenAI's own", { context_compression: "auto" }),
};

const LOGPROBS = "message.output_text.logprobs";

const KNOWN = namesIn(RESPONSES_PARAMETERS);

/** @throws KartaError `invalid_request` for the first parameter that is refused, or that nobody knows */
export function requireServable(body: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(body))
    if (!KNOWN.has(name)) throw unfit(name, "unknown_parameter", `Unknown parameter: '${name}'.`);
  for (const [path, { treatment, note, passes = [] }] of Object.entries(RESPONSES_PARAMETERS)) {
    if (treatment !== "refused") continue;
    const value = valueAt(body, path);
    if (value === undefined || value === null || passes.some((one) => same(one, value))) continue;
    throw unfit(path, "unsupported_parameter", `${path} is not supported: ${note}`);
  }
  if (Array.isArray(body.include) && body.include.includes(LOGPROBS))
    throw unfit("include", "unsupported_parameter", `${LOGPROBS} is not supported: there are none`);
}

function unfit(param: string, code: string, message: string): KartaError {
  return new KartaError("invalid_request", message, { fields: { param, code } });
}

/** By their kind, for objects: `{"type":"text"}` is the same whatever else stands in it. */
function same(one: unknown, other: unknown): boolean {
  const kindOf = (value: unknown): unknown =>
    typeof value === "object" && value !== null && "type" in value ? value.type : value;
  return kindOf(one) === kindOf(other);
}
