/**
 * Puts this package's own programs beside its dependencies' in node_modules/.bin. npm links only what was installed, so
 * without this `npx karta` in the clone would look for a stranger's package of that name in the registry. Run from there,
 * the launchers also find the project's Node 24 first.
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

const PackageSchema = z.object({ bin: z.record(z.string(), z.string()) });

/** @param root the folder of package.json */
export function linkBins(root: string): void {
  const { bin } = PackageSchema.parse(JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")));
  const folder = path.join(root, "node_modules", ".bin");
  mkdirSync(folder, { recursive: true });
  for (const [name, file] of Object.entries(bin)) {
    const link = path.join(folder, name);
    rmSync(link, { force: true });
    symlinkSync(path.relative(folder, path.join(root, file)), link);
  }
}
