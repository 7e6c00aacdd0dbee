/** `npm run chaos -- --seconds 600 [--seed n]`: the chaos test of `npm test` in its long form, with its report. */
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "600" }, seed: { type: "string" } },
});
for (const [name, value] of Object.entries(values)) {
  if (/^\d+$/.test(value)) continue;
  console.error(`chaos: --${name}: expected a whole number, found "${value}"`);
  process.exit(2);
}

/** @returns its exit code; 1 for one that could not be started or was killed */
async function run(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const { exitCode = 1 } = await execa(file, args, {
    cwd: path.resolve(import.meta.dirname, ".."),
    stdio: ["ignore", "inherit", "inherit"],
    preferLocal: true,
    reject: false,
    env,
  });
  return exitCode;
}

const built = await run("node", ["scripts/build.ts"], {});
const { seconds, seed } = values;
process.exitCode =
  built === 0
    ? await run("jest", ["test/e2e/chaos.test.ts"], {
        NODE_OPTIONS: "--experimental-vm-modules --disable-warning=ExperimentalWarning",
        XDG_CACHE_HOME: path.join(os.tmpdir(), "karta-test-cache"),
        KARTA_CHAOS_SECONDS: seconds,
        ...(seed === undefined ? {} : { KARTA_CHAOS_SEED: seed }),
      })
    : built;
