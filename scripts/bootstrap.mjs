// Runs a project script under the project's own Node 24, installing dependencies first where they are missing
// or older than the lockfile. It is what `npm run demo` and `npm test` call, so it must run on a bare Node 20
// with no node_modules: plain JavaScript, nothing imported but Node itself.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";

const root = path.resolve(fileURLToPath(import.meta.url), "../..");
const [script, ...args] = process.argv.slice(2);
const node = path.join(root, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node");

/** True when node_modules was laid from this lockfile (npm writes .package-lock.json last). */
function installed() {
  const stamp = path.join(root, "node_modules", ".package-lock.json");
  if (!existsSync(stamp) || !existsSync(node)) return false;
  return statSync(stamp).mtimeMs >= statSync(path.join(root, "package-lock.json")).mtimeMs;
}

if (!installed() && !process.env.KARTA_BOOTSTRAPPED) {
  process.stderr.write(
    "Installing dependencies (about a minute, about 1 GB: the Claude Code binary comes along)…\n",
  );
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, KARTA_BOOTSTRAPPED: "1" }, // npm ci runs `prepare`, which comes through here again
  });
  if (status !== 0) {
    process.stderr.write("npm ci failed; its own message stands above.\n");
    process.exit(status ?? 1);
  }
}

const child = spawn(node, ["--disable-warning=ExperimentalWarning", path.join(root, script), ...args], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: path.join(root, "node_modules", ".bin") + path.delimiter + process.env.PATH },
});
// The terminal sends Ctrl-C to the whole group; the script decides when to end and this process waits for it.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    if (signal === "SIGTERM") child.kill(signal);
  });
}
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
