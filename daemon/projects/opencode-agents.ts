/** The agents that a folder's opencode.json brings along, besides those in files of their own. */
import { z } from "zod";
import type { Discovered } from "../../shared/protocol/projects.ts";
import type { Findings } from "./findings.ts";
import { readText } from "./folder-files.ts";
import { parseJson } from "./parse-json.ts";

const AgentSchema = z.looseObject({
  description: z.string().optional().catch(undefined),
  mode: z.string().optional().catch(undefined),
  disable: z.boolean().optional().catch(undefined),
});
/** OpenCode's own business but for its agents. */
const ConfigSchema = z.looseObject({ agent: z.record(z.string(), AgentSchema).optional().catch(undefined) });

/** Those that a message can be sent to. A file that is no JSON is told: OpenCode would not start with it. */
export async function openCodeAgents(root: string, findings: Findings): Promise<Discovered[]> {
  const found: Discovered[] = [];
  for (const file of ["opencode.json", "opencode.jsonc"]) {
    const read = await readText(root, file);
    if (read.kind !== "text") continue; // what cannot be read is told by detect-harness.ts
    const parsed = parseJson(read.text, "jsonc");
    if (!parsed.ok) {
      findings.refuse(`${file}:${parsed.line}:${parsed.column}`, parsed.message);
      continue;
    }
    const agents = ConfigSchema.safeParse(parsed.value).data?.agent ?? {};
    for (const [name, { description = "", mode, disable }] of Object.entries(agents))
      if (disable !== true && mode !== "subagent") found.push({ name, description, path: file });
  }
  return found;
}
