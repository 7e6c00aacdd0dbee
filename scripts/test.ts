/** `npm test`: everything that must hold before a change lands. Stops at the first stage that fails, and says which step. */
import os from "node:os";
import path from "node:path";
import { execa } from "execa";

const root = path.resolve(import.meta.dirname, "..");
const jestOptions = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"].join(" ");

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Stages one after the other; the rows of a stage side by side, the steps of a row one after the other. What looks at the
 * sources alone runs beside the tests, which wait for processes and clocks a third of their time.
 */
const stages: readonly (readonly (readonly Step[])[])[] = [
  [[{ name: "build", command: ["node", "scripts/build.ts"] }]],
  [
    [
      {
        name: "tests",
        command: ["jest", ...process.argv.slice(2)],
        // swc keeps a cache below the user's own, which a test run has no business in.
        env: { NODE_OPTIONS: jestOptions, XDG_CACHE_HOME: path.join(os.tmpdir(), "karta-test-cache") },
      },
    ],
    [
      { name: "types", command: ["tsc", "--noEmit"] },
      { name: "lint", command: ["eslint", "--config", "scripts/config/eslint.config.js", "."] },
      { name: "format", command: ["prettier", "--check", "--log-level", "warn", "."] },
    ],
  ],
];

/** @returns its exit code; 1 for one that could not be started or was killed */
async function run({ name, command, env = {} }: Step): Promise<number> {
  const startedAt = performance.now();
  const [file, ...args] = command;
  const { exitCode = 1 } = await execa(file, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    preferLocal: true,
    reject: false,
    env,
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${exitCode === 0 ? "ok  " : "FAIL"}  ${name}  ${seconds} s`);
  return exitCode;
}

for (const rows of stages) {
  const codes = await Promise.all(
    rows.map(async (steps) => {
      for (const step of steps) {
        const code = await run(step);
        if (code !== 0) return code;
      }
      return 0;
    }),
  );
  const failed = codes.find((code) => code !== 0);
  if (failed !== undefined) process.exit(failed);
}
