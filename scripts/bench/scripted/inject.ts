/**
 * Loaded into a real kartad by `node --import`: its claude-code harness becomes a scripted one, and everything else of
 * it (the rooms, their wiring, the program itself) stays as users run it. It also answers the bench over the process
 * channel, where a figure can only be taken from inside.
 */
import { registerHooks } from "node:module";

registerHooks({
  resolve: (specifier, context, next) => {
    // The bundle has no seams; the compiler's output is the same program, file by file.
    if (specifier.endsWith("/kartad/main.js")) return next("../../dist/daemon/main.js", context);
    if (!specifier.endsWith("/claude/claude-code.js")) return next(specifier, context);
    return {
      url: new URL("./harness.ts", import.meta.url).href,
      format: "module-typescript",
      shortCircuit: true,
    };
  },
});

process.on("message", (question) => {
  if (question === "collect garbage") globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  process.send?.({ cpu: process.cpuUsage(), rss, heapUsed });
});
process.channel?.unref();
