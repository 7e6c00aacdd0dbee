/** Puts another harness in the place of kartad's claude-code one. Call it before kartad's own modules are loaded. */
import { registerHooks } from "node:module";

/** @param module TypeScript that exports a `ClaudeCode` of its own */
export function replaceHarness(module: URL): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      // The bundle has no seams; the compiler's output is the same program, file by file.
      if (specifier.endsWith("/kartad/main.js")) return next("../../dist/daemon/main.js", context);
      if (!specifier.endsWith("/claude/claude-code.js")) return next(specifier, context);
      return { url: module.href, format: "module-typescript", shortCircuit: true };
    },
  });
}
