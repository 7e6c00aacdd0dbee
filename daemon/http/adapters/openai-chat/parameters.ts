/**
 * Every parameter of a Chat Completions request: what becomes of it. The table is what requests are checked by, what the
 * documentation (docs/openai.md) shows, and what the tests go through.
 */
import { KartaError } from "../../../../shared/errors.ts";
import {
  asksForIt,
  ignored,
  refused,
  supported,
  type Parameter,
  type ParameterTable,
} from "../parameters.ts";

/** @param passes values that ask for nothing */
const refusedBut = (note: string, ...passes: readonly unknown[]): Parameter =>
  refused(note, undefined, passes);

const HARNESS_SETS = "the harness decides";

export const CHAT_PARAMETERS: ParameterTable = {
  messages: supported("the conversation; its last message is the turn's"),
  model: supported(
    "the project: `name`, `name@agent`, `name@version`; under a project's address any name will do",
  ),
  stream: supported("server-sent events"),
  stream_options: supported("`include_usage`; the rest is ignored"),
  metadata: supported("a new session's metadata; `session_id` names the session to go on with"),
  user: supported("keeps conversations with the same words apart"),
  safety_identifier: supported("likewise"),
  frequency_penalty: ignored(HARNESS_SETS),
  functions: ignored("the project's own tools are used, yours are never called"),
  max_completion_tokens: ignored(HARNESS_SETS),
  max_tokens: ignored(HARNESS_SETS),
  parallel_tool_calls: ignored(HARNESS_SETS),
  prediction: ignored("it would only make things faster"),
  presence_penalty: ignored(HARNESS_SETS),
  prompt_cache_key: ignored("the harness caches as it does"),
  prompt_cache_options: ignored("likewise"),
  prompt_cache_retention: ignored("likewise"),
  reasoning_effort: ignored(HARNESS_SETS),
  seed: ignored("no answer of an agent can be had twice"),
  service_tier: ignored("there is one"),
  store: ignored("the session is kept in any case"),
  temperature: ignored(HARNESS_SETS),
  tools: ignored("the project's own tools are used, yours are never called"),
  top_p: ignored(HARNESS_SETS),
  verbosity: ignored("say it in a system message"),
  audio: refusedBut("answers are text"),
  function_call: refusedBut("no function of yours is called; `auto` and `none` are fine", "auto", "none"),
  logit_bias: refusedBut("there is no hold on the model's tokens", {}),
  logprobs: refusedBut("there are none; `false` is fine", false),
  modalities: refusedBut('answers are text; `["text"]` is fine', ["text"]),
  moderation: refusedBut("nothing is moderated here; a policy of the project's own can"),
  n: refusedBut("a turn has one answer; 1 is fine", 1),
  response_format: refusedBut("no format can be forced on an agent; `text` is fine", { type: "text" }),
  stop: refusedBut("an agent does not stop at a text", [], ""),
  tool_choice: refusedBut("no tool of yours is called; `auto` and `none` are fine", "auto", "none"),
  top_logprobs: refusedBut("there are none; 0 is fine", 0),
  web_search_options: refusedBut("the project says which tools its agent has"),
};

/**
 * Null asks for nothing, whatever the parameter.
 * @throws KartaError `invalid_request` for the first that is refused, or that nobody knows
 */
export function requireServable(body: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(body)) {
    const parameter = Object.hasOwn(CHAT_PARAMETERS, name) ? CHAT_PARAMETERS[name] : undefined;
    if (parameter === undefined)
      throw invalid(name, "unknown_parameter", `Unrecognized request argument supplied: ${name}`);
    if (parameter.treatment === "refused" && asksForIt(parameter, value))
      throw invalid(name, "unsupported_parameter", `${name} is not supported: ${parameter.note}`);
  }
}

function invalid(param: string, code: string, message: string): KartaError {
  return new KartaError("invalid_request", message, { fields: { param, code } });
}
