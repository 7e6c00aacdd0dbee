/**
 * Bundles the two programs. Node would open some 1,400 small files to start kartad, most of them its dependencies'
 * (date-fns alone has 300), and that is more than half of a start: 660 → 310 ms, 113 → 101 MB of memory. `karta` opens
 * zod's 95 files for every command. Nothing is minified: a stack in the log reads as the source does.
 */
import { globSync } from "node:fs";
import path from "node:path";
import { build, type BuildOptions } from "rolldown";

/** Left where npm laid them: one looks for files of its own package, the other must be there once, for oclif and commands. */
const LEFT_OUT = [/^@anthropic-ai\/claude-agent-sdk/, /^@oclif\/core/];

/** @param root the folder of package.json */
export async function bundlePrograms(root: string): Promise<void> {
  const kartad = { main: path.join(root, "daemon/main.ts") };
  await Promise.all([bundle(root, kartad, "dist/kartad"), bundle(root, cliEntries(root), "dist/cli")]);
}

/** oclif finds a command by its file: each is an entry, and what they share lies beside them. */
function cliEntries(root: string): Record<string, string> {
  const files = globSync(["cli/main.ts", "cli/commands/**/*.ts", "cli/hooks/*.ts"], { cwd: root });
  return Object.fromEntries(
    files.map((file) => [path.relative("cli", file).replace(/\.ts$/, ""), path.join(root, file)]),
  );
}

async function bundle(root: string, input: Record<string, string>, folder: string): Promise<void> {
  const options: BuildOptions = {
    input,
    cwd: root,
    platform: "node",
    external: LEFT_OUT,
    // A package's ES modules first: some CommonJS builds find their own parts in ways that no bundler sees.
    resolve: { mainFields: ["module", "main"] },
    tsconfig: false,
    logLevel: "warn",
    output: {
      dir: path.join(root, folder),
      format: "esm",
      sourcemap: true,
      comments: false,
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      cleanDir: true, // a chunk's name changes with its contents
    },
  };
  await build(options);
}
