// Loaded with `--import` into every process that runs an app: makes `import { Karta } from "karta"` (and `require`) work
// in a folder that has nothing installed. A copy in the project's own node_modules comes first.
import { realpathSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** What this package exports, by the names that an app imports. Asked before the hook is there, which would ask itself. */
const ours = new Map(
  ["karta", "karta/client", "karta/client/socket"].map((name) => [name, import.meta.resolve(name)]),
);
const root = path.join(realpathSync(process.env.KARTA_APP_ROOT || process.cwd()), path.sep);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const url = ours.get(specifier);
    if (url === undefined) return nextResolve(specifier, context);
    try {
      const found = nextResolve(specifier, context);
      // Only the project's own: one in a node_modules further up belongs to somebody else (a checkout of Karta, say).
      if (found.url.startsWith("file:") && fileURLToPath(found.url).startsWith(root)) return found;
    } catch {
      // Not installed, or a package of that name without such an entry: ours.
    }
    return { url, format: "module", shortCircuit: true };
  },
});
