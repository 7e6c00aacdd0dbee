/** Builds what runs from `dist/`: the daemon, the CLI and the examples' pages. Only what changed is compiled again. */
import path from "node:path";
import { execa, ExecaError } from "execa";
import { bundlePrograms } from "./build/bundle.ts";
import { linkBins } from "./build/link-bins.ts";
import { writeOclifManifest } from "./build/oclif-manifest.ts";

const root = path.resolve(import.meta.dirname, "..");
const run = execa({ cwd: root, stdio: ["ignore", "inherit", "inherit"], preferLocal: true });

try {
  await Promise.all([
    run`tsc -p scripts/config/tsconfig.build.json`,
    // One after the other: the second page's modules are partly the first's.
    run`tsc -p examples/support-bot-demo/web/page/tsconfig.json`.then(
      () => run`tsc -p examples/embedded-page/page/tsconfig.json`,
    ),
    bundlePrograms(root),
  ]);
  await writeOclifManifest(root); // of the commands as they were just compiled
  linkBins(root);
} catch (error) {
  // The compiler has said what is wrong; a stack of this script would only push it off the screen.
  if (!(error instanceof ExecaError)) throw error;
  process.exitCode = 1;
}
