/** Another user of this machine, as far as a test can be one: only root can. */
import { spawnSync } from "node:child_process";
import { execa } from "execa";

/** `nobody`, or whoever has that number: somebody who owns nothing here. */
export const OTHER_UID = 65_534;

/** Why no program can be run as another user here; null: it can. */
export const noOtherUser: string | null = reason();

function reason(): string | null {
  if (process.getuid?.() !== 0) return "only root can run a program as another user";
  const tried = spawnSync(process.execPath, ["-e", "process.stdout.write(String(process.getuid()))"], {
    uid: OTHER_UID,
    gid: OTHER_UID,
    cwd: "/",
    env: {},
  });
  if (String(tried.stdout) === String(OTHER_UID)) return null;
  return `Node cannot be run as the user ${OTHER_UID} here: ${tried.error?.message ?? String(tried.stderr)}`;
}

/** Runs a script of Node's as that user. @returns what it printed @throws when it ends with an error */
export async function asOtherUser(
  script: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const ran = await execa(process.execPath, ["--input-type=module", "-e", script, "--", ...args], {
    uid: OTHER_UID,
    gid: OTHER_UID,
    cwd: "/",
    env,
    extendEnv: false,
    stdin: "ignore",
  });
  return ran.stdout;
}

/** What that user gets for a GET on a Unix socket: the status and the body, or the system's error code. */
export function getAsOtherUser(socketPath: string, path: string): Promise<string> {
  const script = `import http from "node:http";
    const [socketPath, path] = process.argv.slice(1);
    const asked = http.get({ socketPath, path, agent: false }, (response) => {
      let said = String(response.statusCode) + " ";
      response.on("data", (chunk) => (said += chunk)).on("end", () => process.stdout.write(said));
    });
    asked.on("error", (error) => process.stdout.write(error.code));`;
  return asOtherUser(script, [socketPath, path]);
}
