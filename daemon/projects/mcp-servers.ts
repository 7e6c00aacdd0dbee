/** `.mcp.json`: the harness reads it; Karta wants it well-formed and knows the servers' names. */
import { z } from "zod";
import type { Findings } from "./findings.ts";
import { readText } from "./folder-files.ts";
import { refuseWrongValues } from "./manifest-issues.ts";
import { parseJson } from "./parse-json.ts";

const FILE = ".mcp.json";

const McpFileSchema = z.object(
  {
    mcpServers: z
      .record(
        z.string(),
        z.looseObject({}, { error: 'expected an object such as { "command": "…" } or { "url": "…" }' }),
        { error: "expected an object of servers" },
      )
      .optional(),
  },
  { error: 'expected an object such as { "mcpServers": {} }' },
);

/** The servers as the file has them; empty when there is none or it is wrong (the findings say how). */
export async function readMcpServers(
  root: string,
  findings: Findings,
): Promise<Readonly<Record<string, unknown>>> {
  const read = await readText(root, FILE);
  if (read.kind === "absent") return {};
  if (read.kind === "refused") {
    findings.refuse(FILE, read.message);
    return {};
  }
  const parsed = parseJson(read.text, "json");
  if (!parsed.ok) {
    findings.refuse(`${FILE}:${parsed.line}:${parsed.column}`, parsed.message);
    return {};
  }
  const checked = McpFileSchema.safeParse(parsed.value);
  if (checked.success) return checked.data.mcpServers ?? {};
  refuseWrongValues(FILE, checked.error, parsed.value, findings);
  return {};
}
