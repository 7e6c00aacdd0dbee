/** Checks what an agent calls a tool with, against the tool's own schema, before the app's code sees it. */
import { z } from "zod";
import { issuesFromZod } from "../../shared/errors.ts";

type JsonSchema = Readonly<Record<string, z.core.util.JSONType>>;

export class ToolArguments {
  readonly #schema: z.ZodType;

  private constructor(schema: z.ZodType) {
    this.#schema = schema;
  }

  /** `refused`: not a JSON Schema, or with a keyword that can't be checked. */
  static of(
    schema: JsonSchema,
  ):
    | { readonly kind: "arguments"; readonly arguments: ToolArguments }
    | { readonly kind: "refused"; readonly message: string } {
    try {
      return { kind: "arguments", arguments: new ToolArguments(z.fromJSONSchema({ ...schema })) };
    } catch (error) {
      return { kind: "refused", message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** What is wrong, for the agent to do better; null when nothing is. */
  problem(given: unknown): string | null {
    const checked = this.#schema.safeParse(given);
    if (checked.success) return null;
    return issuesFromZod(checked.error)
      .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
      .join("; ");
  }
}
