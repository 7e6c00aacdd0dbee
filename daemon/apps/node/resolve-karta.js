// Loaded with `--import` into every process that runs an app: makes `import { Karta } from "karta"` (and `require`) work
// in a folder that has nothing installed. A copy in the project's own node_modules comes first.
import { realpathSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ours = new URL("karta.js", import.meta.url).href;
const root = path.join(realpathSync(process.env.KARTA_APP_ROOT || process.cwd()), path.sep);

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier !== "karta") return nextResolve(specifier, context);
    try {
      const found = nextResolve(specifier, context);
      // Only the project's own: one in a node_modules further up belongs to somebody else (a checkout of Karta, say).
      if (found.url.startsWith("file:") && fileURLToPath(found.url).startsWith(root)) return found;
    } catch {
      // Not installed, or a package of that name without an entry: ours.
    }
    return { url: ours, format: "module", shortCircuit: true };
  },
});
