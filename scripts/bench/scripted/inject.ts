/**
 * Loaded into a real kartad by `node --import`: its claude-code harness becomes a scripted one, and everything else of
 * it (the rooms, their wiring, the program itself) stays as users run it. It also answers the bench over the process
 * channel, where a figure can only be taken from inside.
 */
import { replaceHarness } from "./replace-harness.ts";

replaceHarness(new URL("./harness.ts", import.meta.url));

process.on("message", (question) => {
  if (question === "collect garbage") globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  process.send?.({ cpu: process.cpuUsage(), rss, heapUsed });
});
process.channel?.unref();
