/** Puts another harness in the place of one of kartad's own. Call it before kartad's own modules are loaded. */
import { registerHooks } from "node:module";

/**
 * @param module TypeScript that exports a class of the replaced one's name
 * @param replaced how the path of the module ends whose place it takes; Claude Code's if not given
 */
export function replaceHarness(module: URL, replaced = "/claude/claude-code.js"): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      // The bundle has no seams; the compiler's output is the same program, file by file.
      if (specifier.endsWith("/kartad/main.js")) return next("../../dist/daemon/main.js", context);
      if (!specifier.endsWith(replaced)) return next(specifier, context);
      return { url: module.href, format: "module-typescript", shortCircuit: true };
    },
  });
}
