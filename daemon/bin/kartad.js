#!/usr/bin/env -S node --max-semi-space-size=8
// The launcher: plain JavaScript that any Node can parse, so that an old one can say what is wrong.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    "kartad needs Node 24 or newer, and this is " +
      process.version +
      "; start it with `karta serve`, or install Node 24.\n",
  );
  process.exit(1);
}
await import("../../dist/kartad/main.js");
