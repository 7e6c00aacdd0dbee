/** Where Karta's package lies: this example runs from its sources, and its page is compiled to the package's `dist/`. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

const NamedPackage = z.object({ name: z.literal("karta") });

/**
 * Walks up from a folder to the one whose package.json is named "karta".
 * @throws Error when the example was copied out of the package
 */
export function findPackageRoot(from: string): string {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    if (isKartaPackage(folder)) return folder;
    if (folder === path.dirname(folder)) {
      throw new Error(
        `No package.json named "karta" at or above ${from}: run this example from inside Karta's folder.`,
      );
    }
  }
}

function isKartaPackage(folder: string): boolean {
  let manifest: string;
  try {
    manifest = readFileSync(path.join(folder, "package.json"), "utf8");
  } catch {
    return false; // Most folders on the way up have none.
  }
  return NamedPackage.safeParse(JSON.parse(manifest)).success;
}
