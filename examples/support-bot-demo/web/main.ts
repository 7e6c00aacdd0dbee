/**
 * Runs the demo's web server:
 *   node examples/support-bot-demo/web/main.ts [--port 5050] [--karta http://localhost:8000] [--project support-bot]
 * Environment: WEB_PORT, KARTA_URL, KARTA_PROJECT; a flag wins. KARTA_API_KEY, for a Karta that has keys.
 */
import { parseArgs } from "node:util";
import { startWeb } from "./server.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, karta: { type: "string" }, project: { type: "string" } },
});
const say = (message: string) => process.stderr.write(`${message}\n`);

try {
  const web = await startWeb({
    port: Number(values.port ?? process.env.WEB_PORT ?? 5050),
    kartaUrl: values.karta ?? process.env.KARTA_URL ?? "http://localhost:8000",
    project: values.project ?? process.env.KARTA_PROJECT,
    apiKey: process.env.KARTA_API_KEY,
    logger: { info: say, warn: say },
  });
  say(`Chat with Beans at ${web.url} (Ctrl-C stops)`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void web.close());
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
