/**
 * Serves the page:
 *   node examples/embedded-page/main.ts [--port 5060] [--karta http://localhost:8000] [--project support-bot]
 * Environment: PAGE_PORT, KARTA_URL, KARTA_PROJECT. A flag wins.
 */
import { parseArgs } from "node:util";
import { servePage } from "./server.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, karta: { type: "string" }, project: { type: "string" } },
});
const say = (message: string) => process.stderr.write(`${message}\n`);

try {
  const page = await servePage({
    port: Number(values.port ?? process.env.PAGE_PORT ?? 5060),
    kartaUrl: values.karta ?? process.env.KARTA_URL ?? "http://localhost:8000",
    project: values.project ?? process.env.KARTA_PROJECT ?? "support-bot",
  });
  say(`Chat with Beans at ${page.url} (Ctrl-C stops)`);
  say(`kartad.toml must allow it: allowed_origins = ["${page.url}"]`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void page.close());
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
