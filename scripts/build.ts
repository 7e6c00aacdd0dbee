/** Builds what runs from `dist/`: the daemon, the CLI and the demo's page. Only what changed is compiled again. */
import { existsSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";

const root = path.resolve(import.meta.dirname, "..");
const run = execa({ cwd: root, stdio: ["ignore", "inherit", "inherit"], preferLocal: true });

await Promise.all([
  run`tsc -p scripts/config/tsconfig.build.json`,
  run`tsc -p examples/support-bot-demo/web/page/tsconfig.json`,
]);
if (existsSync(path.join(root, "scripts/build/oclif-manifest.ts")))
  await run`node scripts/build/oclif-manifest.ts`;
