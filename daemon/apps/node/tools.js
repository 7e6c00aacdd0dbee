// Tools: an app's own functions that its agent may call.

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** Seconds a call may take unless the tool says otherwise, and the most it may say. */
const DEFAULT_TIMEOUT = 60;
const LONGEST_TIMEOUT = 3600;

/** Throw it in a tool to tell the agent, in your own words, why the call cannot be answered. */
export class ToolError extends Error {
  name = "ToolError";
}

/** Checks what an app registers. @throws TypeError that says what to write instead */
export function toolOf(name, options, run) {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(
      `a tool's name is up to 64 letters, digits, _ and -, a letter first; found ${JSON.stringify(name)}`,
    );
  }
  const { description, input, timeoutSeconds = DEFAULT_TIMEOUT } = options ?? {};
  if (typeof description !== "string" || description.trim() === "")
    throw new TypeError(
      `the tool ${name} needs a description: the agent decides by it when to call the tool`,
    );
  if (typeof run !== "function")
    throw new TypeError(`the tool ${name} needs a function: app.tool(name, options, function)`);
  if (!(timeoutSeconds > 0 && timeoutSeconds <= LONGEST_TIMEOUT)) {
    throw new TypeError(`timeoutSeconds of ${name} must be above 0 and at most ${LONGEST_TIMEOUT}`);
  }
  return { name, description, inputSchema: schemaOf(name, input), timeoutSeconds, run };
}

/** A JSON Schema of an object, or anything that can say it as one (a zod schema). Left out: no arguments. */
function schemaOf(name, input) {
  if (input === undefined) return { type: "object", properties: {}, additionalProperties: false };
  const schema = typeof input?.toJSONSchema === "function" ? input.toJSONSchema({ io: "input" }) : input;
  if (typeof schema !== "object" || schema === null || schema.type !== "object") {
    throw new TypeError(`the input of the tool ${name} must be a JSON Schema with type: "object"`);
  }
  const { $schema, ...rest } = JSON.parse(JSON.stringify(schema));
  return rest;
}

/** A tool's result as the agent reads it: text as it is, anything else as JSON. */
export function resultText(result) {
  if (typeof result === "string") return result;
  return JSON.stringify(result) ?? "";
}
