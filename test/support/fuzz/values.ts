/** JSON Schema → values that fit it, and values that fit nothing. */
import fc from "fast-check";
import type { JsonSchema } from "../../../daemon/http/openapi/schemas.ts";

/** What only a running daemon can give: `send.ts` puts an id in its place. */
export const SESSION_TOKEN = /@session(\d+)/g;
export const INPUT_TOKEN = /@input(\d+)/g;
export const RESPONSE_TOKEN = /@response(\d+)/g;
export const sessionToken = fc.nat(999).map((n) => `@session${n}`);
export const inputToken = fc.nat(999).map((n) => `@input${n}`);
export const responseToken = fc.nat(999).map((n) => `@response${n}`);
/** Projects as other APIs name them: `other` is another tenant's. */
export const modelName = fc.constantFrom("bot", "bot@billing", "bot@dev", "other", "bot@nobody");
/** A user's own name for a file. */
const fileName = fc.constantFrom(
  "a.txt",
  "../../escaped.txt",
  "..\\..\\escaped.txt",
  "%2e%2e%2fescaped.txt",
  "a\0b.txt",
  ".upload-x",
  "C:nul",
  "line\r\nSet-Cookie: a=b",
);

/** Values that lead somewhere, by the name of their field; any other fits the schema alone. */
const KNOWN: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  project: fc.constant("bot"),
  agent: fc.constantFrom("default", "billing"),
  current_agent: fc.constantFrom("default", "billing"),
  name: fc.oneof(fc.constantFrom("ada", "Łukasz", "机器人"), fileName),
  participant_name: fc.constantFrom("ada", "Łukasz", "机器人"),
  session_id: sessionToken,
  parent_id: sessionToken,
  conversation: sessionToken,
  previous_response_id: responseToken,
  model: modelName,
  environment_id: fc.constant("bot"),
  end_user: fc.constantFrom("ada", "bob"),
  sub: fc.constantFrom("ada", "bob"),
};

const oddStrings = fc.constantFrom(
  "",
  " ",
  "\0",
  "__proto__",
  "constructor",
  "toString",
  "../../etc/passwd",
  "%00",
  "%2e%2e%2f",
  "' OR 1=1 --",
  "\u{1f9e6}".repeat(50),
  "e\u0301\u202e\u2028\ufeff",
  "\ud800",
  "x".repeat(5000),
  "null",
  "1e999",
  "/clear",
);

export const wildString = fc.oneof(oddStrings, fc.string(), fc.string({ unit: "binary", maxLength: 50 }));

/** Any JSON, with a taste for what breaks things. */
export const wild: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  wildString,
  fc.constantFrom<unknown>(null, true, 0, -0, -1, 0.1, 2 ** 53, -(2 ** 63), 1e308, [], {}, [[[[[[[]]]]]]], {
    toString: 1,
    constructor: {},
  }),
);

function stringOf({ minLength = 0, maxLength = 40, pattern }: JsonSchema): fc.Arbitrary<string> {
  if (pattern !== undefined)
    return fc.stringMatching(new RegExp(pattern)).filter((text) => text.length <= 200);
  const shortest = fc.string({
    minLength,
    maxLength: Math.max(minLength, Math.min(maxLength, 40)),
    unit: "binary",
  });
  const longest = fc.constant("y".repeat(Math.min(maxLength, 5000)));
  return fc.oneof({ weight: 9, arbitrary: shortest }, { weight: 1, arbitrary: longest });
}

/** @param resolve finds a component */
export function arbitraryOf(schema: JsonSchema, resolve: (ref: string) => JsonSchema): fc.Arbitrary<unknown> {
  const inner = (part: JsonSchema | boolean): fc.Arbitrary<unknown> =>
    typeof part === "boolean" ? wild : arbitraryOf(part, resolve);
  if (schema.$ref !== undefined) return inner(resolve(schema.$ref));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(inner));
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => inner({ ...schema, type })));
  switch (schema.type) {
    case "string":
      return stringOf(schema);
    case "integer":
      return fc.integer({
        min: schema.minimum ?? -(2 ** 31),
        max: Math.min(schema.maximum ?? 2 ** 31, 2 ** 53 - 1),
      });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(Array.isArray(schema.items) ? wild : inner(schema.items ?? true), { maxLength: 4 });
    case "object":
      return objectOf(schema, inner);
    default:
      return wild;
  }
}

function objectOf(
  schema: JsonSchema,
  inner: (part: JsonSchema | boolean) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const fields = Object.entries(schema.properties ?? {}).map(
    ([name, part]): [string, fc.Arbitrary<unknown>] => {
      const known = KNOWN[name];
      const fits = inner(part);
      return [
        name,
        known === undefined
          ? fits
          : fc.oneof({ weight: 4, arbitrary: known }, { weight: 1, arbitrary: fits }),
      ];
    },
  );
  if (fields.length > 0)
    return fc.record(Object.fromEntries(fields), { requiredKeys: [...(schema.required ?? [])] });
  const names = stringOf(typeof schema.propertyNames === "object" ? schema.propertyNames : {});
  return fc.dictionary(names, inner(schema.additionalProperties ?? true), { maxKeys: 5 });
}
