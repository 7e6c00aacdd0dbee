/** For what is loaded into kartad by `node --import`: its claude-code harness becomes another, all else stays. */
import { registerHooks } from "node:module";

/** @param url of a TypeScript module that exports a `ClaudeCode` */
export function replaceHarness(url: string): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      // The bundle has no seams; the compiler's output is the same program, file by file.
      if (specifier.endsWith("/kartad/main.js")) return next("../../dist/daemon/main.js", context);
      if (!specifier.endsWith("/claude/claude-code.js")) return next(specifier, context);
      return { url, format: "module-typescript", shortCircuit: true };
    },
  });
}
