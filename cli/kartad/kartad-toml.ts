/** What the CLI must know of `kartad.toml` in the state folder; kartad itself says what is wrong with the file. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { parseToml } from "../../shared/toml.ts";

const FileSchema = z.object({
  host: z.string().optional(),
  port: z.int().optional(),
  insecure: z.boolean().optional(),
  drain_seconds: z.number().optional(),
});
export type KartadToml = z.infer<typeof FileSchema>;

/** Nothing for a file that is not there or not as it should be. */
export function readKartadToml(stateHome: string): KartadToml {
  const file = path.join(stateHome, "kartad.toml");
  if (!existsSync(file)) return {};
  const parsed = parseToml(readFileSync(file, "utf8"));
  return parsed.ok ? (FileSchema.safeParse(parsed.value).data ?? {}) : {};
}
