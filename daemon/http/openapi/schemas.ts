/** zod schemas → JSON Schema as OpenAPI 3.1 has it: named ones once, under `components`, and referred to. */
import { z } from "zod";
import { COMPONENTS } from "../../../shared/protocol/components.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Requests are described by what may be sent, answers by what comes. */
export type Direction = "input" | "output";

export interface Schemas {
  /** By name. */
  readonly components: Readonly<Record<string, JsonSchema>>;
  /** A reference where the schema has a name, else the schema itself. @throws Error for one that was not given */
  of(schema: z.ZodType, direction: Direction): JsonSchema;
}

const names = new Map(Object.entries(COMPONENTS).map(([name, schema]) => [schema, name]));
const refTo = (name: string): string => `#/components/schemas/${name}`;

/** @param used every schema of a request or an answer; those that have names need not be among them */
export function describeSchemas(used: Readonly<Record<Direction, readonly z.ZodType[]>>): Schemas {
  const sides = { input: convert("input", used.input), output: convert("output", used.output) };
  const components = Object.entries(COMPONENTS).map(([name, schema]): [string, JsonSchema] => {
    const [sent, comes] = [sides.input.get(schema), sides.output.get(schema)];
    if (JSON.stringify(sent) !== JSON.stringify(comes))
      throw new Error(`${name} is sent in another form than it comes in: the two need two names`);
    return [name, comes ?? {}];
  });
  return {
    components: Object.fromEntries(components),
    of: (schema, direction) => {
      const name = names.get(schema);
      if (name !== undefined) return { $ref: refTo(name) };
      const found = sides[direction].get(schema);
      if (found === undefined) throw new Error("a schema that was not given to describeSchemas");
      return found;
    },
  };
}

function convert(direction: Direction, used: readonly z.ZodType[]): Map<z.ZodType, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of Object.entries(COMPONENTS)) registry.add(schema, { id: name });
  const anonymous = [...new Set(used)].filter((schema) => !names.has(schema));
  anonymous.forEach((schema, place) => registry.add(schema, { id: `anonymous ${place}` }));
  const { schemas } = z.toJSONSchema(registry, {
    io: direction,
    uri: refTo,
    unrepresentable: "throw",
    override: ({ zodSchema, jsonSchema }) => tidy(zodSchema, jsonSchema),
  });
  const plain = ({ $schema: _schema, $id: _id, ...rest }: JsonSchema): JsonSchema => rest;
  const idOf = (schema: z.ZodType): string => registry.get(schema)?.id ?? "";
  return new Map(
    [...Object.values(COMPONENTS), ...anonymous].map((schema) => [
      schema,
      plain(schemas[idOf(schema)] ?? {}),
    ]),
  );
}

/** What zod says that a reader of the document has no use for goes; what it can't know comes. */
function tidy(zodSchema: z.core.$ZodTypes, json: JsonSchema): void {
  // Fields that a newer kartad adds are no breach: only what is declared strict is closed.
  if (zodSchema instanceof z.ZodObject && zodSchema.def.catchall === undefined)
    delete json.additionalProperties;
  if (json.format === "date-time") delete json.pattern;
  if (json.type === "integer") {
    if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
    if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
    json.format = "int64";
  }
  if (zodSchema instanceof z.ZodDiscriminatedUnion) json.discriminator = discriminatorOf(zodSchema);
}

/** Generators make a tagged union of it. Every member must have a name. */
function discriminatorOf(union: z.ZodDiscriminatedUnion): {
  propertyName: string;
  mapping: Record<string, string>;
} {
  const { discriminator: propertyName, options } = union.def;
  const mapping = options.flatMap((option): [string, string][] => {
    const name = option instanceof z.ZodType ? names.get(option) : undefined;
    const tags = option._zod.propValues?.[propertyName] ?? [];
    return [...tags].map((tag) => [String(tag), refTo(name ?? "")]);
  });
  return { propertyName, mapping: Object.fromEntries(mapping) };
}
