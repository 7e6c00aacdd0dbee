/** `karta`: argv → exit code. The only place in `cli` that ends the process. */
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import path from "node:path";

// A pipe whose reader has gone (`karta sessions tail | head`) ends the program; there is nobody to tell.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

// Compiled code is kept between runs: loading oclif and zod is most of a command's time, and this takes about a seventh off it.
// In the user's own cache folder, since Node's default is under /tmp, where another user could lay code for us.
enableCompileCache(
  path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "karta", "compiled"),
);

// Imported only now: a module that was imported above would have been compiled before the cache was on.
const { runProgram } = await import("./program.ts");
const exitCode = await runProgram(process.argv.slice(2));
// Writing to a pipe may not have ended on every platform; a half-written JSON document would be worse than a moment's wait.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write("", resolve))),
);
process.exit(exitCode);
