/** `npm test`: everything that must hold before a change lands. Stops at the first step that fails, and says which. */
import os from "node:os";
import path from "node:path";
import { execa } from "execa";

const root = path.resolve(import.meta.dirname, "..");
const jestOptions = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"].join(" ");

const steps: readonly { readonly name: string; readonly command: readonly [string, ...string[]] }[] = [
  { name: "build", command: ["node", "scripts/build.ts"] },
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "lint", command: ["eslint", "--config", "scripts/config/eslint.config.js", "."] },
  { name: "format", command: ["prettier", "--check", "--log-level", "warn", "."] },
  { name: "tests", command: ["jest", ...process.argv.slice(2)] },
];

for (const { name, command } of steps) {
  const startedAt = performance.now();
  const [file, ...args] = command;
  const { exitCode } = await execa(file, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    preferLocal: true,
    reject: false,
    // swc keeps a cache below the user's own, which a test run has no business in.
    env:
      name === "tests"
        ? { NODE_OPTIONS: jestOptions, XDG_CACHE_HOME: path.join(os.tmpdir(), "karta-test-cache") }
        : {},
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${exitCode === 0 ? "ok  " : "FAIL"}  ${name}  ${seconds} s`);
  if (exitCode !== 0) process.exit(exitCode ?? 1);
}
