#!/usr/bin/env node
// The launcher: plain JavaScript that any Node can parse. An old Node hands over to the one that a clone brings along.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const major = Number(process.versions.node.split(".")[0]);
const own = fileURLToPath(new URL("../../node_modules/node/bin/node", import.meta.url));
if (major >= 24) await import("../../dist/cli/main.js");
else if (existsSync(own)) {
  const { spawn } = await import("node:child_process");
  const child = spawn(own, process.argv.slice(1), { stdio: "inherit" });
  // Ctrl-C in a terminal reaches the child by itself; this process waits for what it does with it.
  process.on("SIGINT", () => {
    if (!process.stdin.isTTY) child.kill("SIGINT");
  });
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
} else {
  process.stderr.write(
    "karta needs Node 24 or newer, and this is " +
      process.version +
      "; install Node 24, then run it again.\n",
  );
  process.exitCode = 1;
}
