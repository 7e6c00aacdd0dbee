/** What a project is called when `project add` names it not. */
import path from "node:path";
import { KartaError } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/manifest.ts";
import { ProjectNameSchema } from "../../shared/protocol/sessions.ts";

const MAX_LENGTH = 63;

/**
 * karta.toml's `name`, else the folder's own name made valid: `My Bot (v2)` → `my-bot-v2`.
 * @throws KartaError `invalid_project` when nothing of the folder's name is left
 */
export function deriveProjectName(manifest: Pick<Manifest, "name">, folder: string): string {
  if (manifest.name !== null) return manifest.name;
  const base = path.basename(folder);
  const made = base
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "") // é → e
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .slice(0, MAX_LENGTH)
    .replace(/-$/, "");
  if (ProjectNameSchema.safeParse(made).success) return made;
  throw new KartaError(
    "invalid_project",
    `the folder's name, ${JSON.stringify(base)}, cannot be made into a project's; give one: karta project add DIR NAME`,
    {
      issues: [{ path: "name", message: "expected a name: lowercase letters, digits and hyphens, 1 to 63" }],
    },
  );
}
