/** `npm test`: everything that must hold before a change lands. Stops at the first stage that fails, and says which step. */
import os from "node:os";
import path from "node:path";
import { execa } from "execa";

const root = path.resolve(import.meta.dirname, "..");
const startedAt = performance.now();

/** Seconds since, as a line shows them. */
const since = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;

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
        env: {
          NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
          // Of the workers and of each program that a test starts: a tenth of a second of every kartad's start.
          NODE_COMPILE_CACHE: path.join(os.tmpdir(), "karta-test-cache", "node"),
        },
      },
    ],
    [
      { name: "types and lint", command: ["node", "scripts/check.ts"] },
      { name: "format", command: ["prettier", "--check", "--log-level", "warn", "."] },
    ],
  ],
];

/** @returns its exit code; 1 for one that could not be started or was killed */
async function run({ name, command, env = {} }: Step): Promise<number> {
  const start = performance.now();
  const [file, ...args] = command;
  const { exitCode = 1 } = await execa(file, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    preferLocal: true,
    reject: false,
    env,
  });
  console.log(`${exitCode === 0 ? "ok  " : "FAIL"}  ${name}  ${since(start)}`);
  return exitCode;
}

/** @returns the exit code of the first step of it that failed; 0 when all is well */
async function runStage(rows: (typeof stages)[number]): Promise<number> {
  const codes = await Promise.all(
    rows.map(async (steps) => {
      for (const step of steps) {
        const code = await run(step);
        if (code !== 0) return code;
      }
      return 0;
    }),
  );
  return codes.find((code) => code !== 0) ?? 0;
}

for (const rows of stages) {
  process.exitCode = await runStage(rows);
  if (process.exitCode !== 0) break;
}
console.log(`npm test took ${since(startedAt)}`);
