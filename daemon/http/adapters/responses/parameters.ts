/**
 * What becomes of each parameter of `POST /responses`. One table: requests are refused by it, the documentation's (docs/openai.md) is held
 * against it, and each row has its test.
 */
import { KartaError } from "../../../../shared/errors.ts";
import type { Treatment } from "../treatment.ts";

export interface Parameter {
  readonly treatment: Treatment;
  /** For the reader of the table: how, or why not. */
  readonly note: string;
  /** A value that shows the treatment. */
  readonly example: unknown;
  /** Of a refused one: values that ask for nothing special, and pass. Null always passes. */
  readonly passes?: readonly unknown[];
}

/** Name → treatment; a dot leads into an object. */
export const RESPONSES_PARAMETERS: Readonly<Record<string, Parameter>> = {
  model: { treatment: "supported", note: "the project's name, or `name@agent`", example: "bot" },
  input: {
    treatment: "supported",
    note: "text, or items: messages of text and images (`data:` URLs), `item_reference`",
    example: "hello",
  },
  instructions: {
    treatment: "supported",
    note: "told to the agent when new or changed; they hold until others are given",
    example: "Answer in French.",
  },
  previous_response_id: {
    treatment: "supported",
    note: "the same session where that response is its newest, else a new one that is told the history",
    example: null,
  },
  conversation: {
    treatment: "supported",
    note: "a session, by its id or as `conv_…`",
    example: null,
  },
  store: {
    treatment: "supported",
    note: "`false`: nothing to come back to; its session ends with it",
    example: false,
  },
  stream: { treatment: "supported", note: "OpenAI's events, numbered from the event log", example: true },
  background: {
    treatment: "supported",
    note: "goes on without its client; read, stream or cancel it by id",
    example: true,
  },
  metadata: {
    treatment: "supported",
    note: "kept, and the session's when that is new",
    example: { order: "17" },
  },
  "reasoning.summary": {
    treatment: "supported",
    note: "asks for reasoning items: the harness's own words, not a summary of them",
    example: "auto",
  },
  "reasoning.effort": { treatment: "ignored", note: "the project's own matter", example: "low" },
  tools: {
    treatment: "ignored",
    note: "the project's own tools are used, yours are never called",
    example: [{ type: "web_search" }],
  },
  tool_choice: {
    treatment: "refused",
    note: "no tool of yours is called; `auto` and `none` are fine",
    example: "required",
    passes: ["auto", "none"],
  },
  "text.format": {
    treatment: "refused",
    note: "no format can be forced on an agent; `text` is fine",
    example: { type: "json_object" },
    passes: [{ type: "text" }],
  },
  "text.verbosity": { treatment: "ignored", note: "say it in the instructions", example: "low" },
  top_logprobs: { treatment: "refused", note: "there are none; 0 is fine", example: 3, passes: [0] },
  include: {
    treatment: "ignored",
    note: "but `message.output_text.logprobs` is refused",
    example: ["reasoning.encrypted_content"],
  },
  prompt: { treatment: "refused", note: "there are no stored prompts", example: { id: "pmpt_1" } },
  moderation: {
    treatment: "refused",
    note: "nothing is moderated here",
    example: { model: "omni-moderation-latest" },
  },
  max_tool_calls: {
    treatment: "refused",
    note: "the agent's calls cannot be counted beforehand",
    example: 3,
  },
  max_output_tokens: {
    treatment: "ignored",
    note: "the agent's turn has a time limit instead",
    example: 500,
  },
  temperature: { treatment: "ignored", note: "the harness's own matter", example: 0.2 },
  top_p: { treatment: "ignored", note: "the harness's own matter", example: 0.9 },
  parallel_tool_calls: { treatment: "ignored", note: "the harness's own matter", example: false },
  truncation: { treatment: "ignored", note: "the harness compacts its conversation itself", example: "auto" },
  context_management: {
    treatment: "ignored",
    note: "the harness compacts its conversation itself",
    example: [{ type: "compaction" }],
  },
  stream_options: {
    treatment: "ignored",
    note: "nothing is obfuscated",
    example: { include_obfuscation: false },
  },
  user: { treatment: "ignored", note: "repeated in the response", example: "customer-17" },
  safety_identifier: { treatment: "ignored", note: "OpenAI's own", example: "customer-17" },
  service_tier: { treatment: "ignored", note: "OpenAI's own", example: "flex" },
  prompt_cache_key: { treatment: "ignored", note: "OpenAI's own", example: "bot" },
  prompt_cache_options: { treatment: "ignored", note: "OpenAI's own", example: { mode: "implicit" } },
  prompt_cache_retention: { treatment: "ignored", note: "OpenAI's own", example: "24h" },
  access_programs: { treatment: "ignored", note: "OpenAI's own", example: { cyber: "standard" } },
  image: { treatment: "ignored", note: "OpenAI's own", example: { context_compression: "auto" } },
};

const LOGPROBS = "message.output_text.logprobs";

const KNOWN = new Set(Object.keys(RESPONSES_PARAMETERS).map((path) => path.split(".")[0]));

/** @throws KartaError `invalid_request` for the first parameter that is refused, or that nobody knows */
export function requireServable(body: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(body))
    if (!KNOWN.has(name)) throw refused(name, "unknown_parameter", `Unknown parameter: '${name}'.`);
  for (const [path, { treatment, note, passes = [] }] of Object.entries(RESPONSES_PARAMETERS)) {
    if (treatment !== "refused") continue;
    const value = valueAt(body, path);
    if (value === undefined || value === null || passes.some((one) => same(one, value))) continue;
    throw refused(path, "unsupported_parameter", `${path} is not supported: ${note}`);
  }
  if (Array.isArray(body.include) && body.include.includes(LOGPROBS))
    throw refused("include", "unsupported_parameter", `${LOGPROBS} is not supported: there are none`);
}

function refused(param: string, code: string, message: string): KartaError {
  return new KartaError("invalid_request", message, { fields: { param, code } });
}

function valueAt(body: object, path: string): unknown {
  let place: unknown = body;
  for (const key of path.split(".")) {
    if (typeof place !== "object" || place === null) return undefined;
    place = new Map<string, unknown>(Object.entries(place)).get(key);
  }
  return place;
}

/** By their kind, for objects: `{"type":"text"}` is the same whatever else stands in it. */
function same(one: unknown, other: unknown): boolean {
  const kindOf = (value: unknown): unknown =>
    typeof value === "object" && value !== null && "type" in value ? value.type : value;
  return kindOf(one) === kindOf(other);
}
