/**
 * `npm run demo`: the tutorial on one machine. Builds, starts kartad, registers the support bot, serves its page, plays
 * the two questions here, and stays until Ctrl-C. With `-- --once` it ends after the conversation.
 */
import path from "node:path";
import { parseArgs, styleText } from "node:util";
import { execa } from "execa";
import { playConversation } from "./conversation.ts";
import { startDemoDaemon } from "./daemon.ts";
import { freePort } from "./ports.ts";

const root = path.resolve(import.meta.dirname, "../..");
const { values: flags } = parseArgs({
  options: { once: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});
if (flags.help) {
  console.log("npm run demo [-- --once]\n\n  --once   end after the conversation, with exit code 0");
  process.exit(0);
}

/** A credential in the environment means the real model; without one the replies are scripted. */
const CREDENTIALS = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_VERTEX",
];
const credential = CREDENTIALS.find((name) => process.env[name]);
const offline = credential === undefined;

/** Undone in reverse order, once. */
const undo: (() => Promise<void>)[] = [];
let stopping: Promise<void> | null = null;
function stop(): Promise<void> {
  stopping ??= (async () => {
    for (const step of undo.splice(0).reverse()) await step();
  })();
  return stopping;
}
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve());
});

function say(text: string): void {
  console.log(styleText("dim", text));
}

async function demo(): Promise<void> {
  say("building…");
  await execa("node", ["scripts/build.ts"], { cwd: root, stdio: ["ignore", 2, 2], preferLocal: true });

  const [daemonPort, webPort] = [await freePort(8000), await freePort(5050)];
  if (!daemonPort.isWanted) say(`port 8000 is taken; kartad uses ${daemonPort.port}`);
  if (!webPort.isWanted) say(`port 5050 is taken; the page uses ${webPort.port}`);

  say("starting kartad…");
  const daemon = await startDemoDaemon({ root, port: daemonPort.port, offline });
  undo.push(() => daemon.stop());

  say("karta project add examples/support-bot-demo/app support-bot");
  await daemon.karta("project", "add", path.join(root, "examples/support-bot-demo/app"), "support-bot");

  // Only now: it imports `karta/client` as an app developer does, and that has just been built.
  const { startWeb } = await import("../../examples/support-bot-demo/web/server.ts");
  const web = await startWeb({ port: webPort.port, kartaUrl: daemon.url, project: "support-bot" });
  undo.push(() => web.close());

  console.log(
    offline
      ? `\nReplies: ${styleText("yellow", "scripted")} (offline model: no key was found in the environment)\n`
      : `\nReplies: ${styleText("green", "a model's")} (credential: ${credential})\n`,
  );
  await playConversation(web.url);

  console.log(`Chat page   ${styleText("cyan", web.url)}`);
  console.log(`Karta API   ${styleText("cyan", daemon.url)}`);
  if (flags.once) return;
  console.log(styleText("dim", "\nCtrl-C ends it all."));
  await Promise.race([interrupted, daemon.ended]);
}

try {
  await Promise.race([demo(), interrupted]);
  await stop();
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  await stop();
  process.exitCode = 1;
}
// A build or a request that Ctrl-C cut short may still hold the loop; everything that was started is stopped.
process.exit();
