// Imports an app's entry point and prints one line of JSON about it: `node --import resolve-karta.js check.js FILE ATTRIBUTE`.
// The forms of the answer are declared in daemon/apps/protocol.ts. `$KARTA_CHECK_MARKER` is put before the JSON: what
// the app prints goes to standard error, but code that writes to descriptor 1 itself could still come in between.
// Run by kartad (the marker tells), standard input has context.js's line.
import { readFileSync, writeSync } from "node:fs";
import { receiveContext } from "./context.js";
import { explain, load } from "./load.js";

const [, , file, attribute] = process.argv;
const marker = process.env.KARTA_CHECK_MARKER ?? "";
const exit = process.exit.bind(process);

function answer(result) {
  const line = Buffer.from(`\n${marker}${JSON.stringify(result)}\n`);
  for (let sent = 0; sent < line.length;) {
    try {
      sent += writeSync(1, line, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error; // the reader is behind
    }
  }
}

function onUncaught(error) {
  answer(explain(error));
  exit(0);
}

const told = marker === "" ? "" : readFileSync(0, "utf8");
if (told !== "") receiveContext(JSON.parse(told));
process.on("uncaughtException", onUncaught); // a rejection or a timer that the import left behind
process.stdout.write = process.stderr.write.bind(process.stderr);

const { answer: result, error } = await load(file, attribute);
answer(result);
if (result.outcome === "syntax_error" && result.file === null) {
  // Node knows the line of an ES module's syntax error, but says it only of an error that nobody caught.
  process.removeAllListeners("uncaughtException");
  setImmediate(() => {
    throw error;
  });
} else exit(0);
