/** Runs one command line and says what the process should exit with. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { PJSON } from "@oclif/core/interfaces";
import { run } from "@oclif/core/run";
import { settings } from "@oclif/core/settings";

/**
 * The folder that oclif takes for the plug-in's root is `dist/`, not the package's: `oclif.manifest.json` (every
 * command's flags and help, written by scripts/build/oclif-manifest.ts) is looked for there, and build results belong
 * in there. So the paths in package.json's "oclif" key are relative to `dist/`. With the manifest, only the module of
 * the command that runs is loaded; without one (a bare `tsc` build) oclif loads them all, which is slower and right.
 */
const DIST = new URL("../", import.meta.url);

/**
 * @param argv without Node and the script
 * @returns the exit code; everything has been printed
 */
export async function runProgram(argv: string[]): Promise<number> {
  // oclif would look for TypeScript sources when NODE_ENV is "test" or "development"; dist/ is all there is.
  settings.enableAutoTranspile = false;
  try {
    await run(argv, {
      root: fileURLToPath(DIST),
      pjson: readPackage(),
      userPlugins: false,
      devPlugins: false,
    });
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    return await report(error, argv);
  }
}

async function report(error: unknown, argv: readonly string[]): Promise<number> {
  // Only on the way out: it brings the error schemas along, which help and --version do without.
  const { failureOf } = await import("./failure.ts");
  const failure = failureOf(error);
  if (wantsJson(argv)) process.stdout.write(`${JSON.stringify(failure.body, null, 2)}\n`);
  else process.stderr.write(`${failure.lines.join("\n")}\n`);
  if (process.env.DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  return failure.exitCode;
}

/** Errors can come before any command has parsed its flags, so the flag is looked for here as oclif does. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes("--json");
}

function readPackage(): PJSON {
  const parsed: unknown = JSON.parse(readFileSync(new URL("../package.json", DIST), "utf8"));
  if (isPackage(parsed)) return parsed;
  throw new Error("Karta's package.json lacks its name, version or oclif key");
}

function isPackage(value: unknown): value is PJSON {
  return (
    typeof value === "object" && value !== null && "name" in value && "version" in value && "oclif" in value
  );
}
