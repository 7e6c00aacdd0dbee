/**
 * Where things live on this machine (spec: cli). Pure: the environment comes in, paths go out, so that
 * the CLI and the daemon can never disagree and a test can ask without touching the real home.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { KartaError } from "./errors.ts";

export interface PathsEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homedir: string;
  readonly platform: NodeJS.Platform;
}

/** `sockaddr_un.sun_path` less its final NUL: 104 bytes on macOS and the BSDs, 108 on Linux. */
const SUN_PATH_BYTES: Partial<Record<NodeJS.Platform, number>> = { linux: 107 };
const SMALLEST_SUN_PATH_BYTES = 103;

/** An empty variable is as if it were not there. */
const given = (value: string | undefined): string | undefined => (value === "" ? undefined : value);

/** kartad's control socket: `$KARTA_SOCKET`, else `$XDG_RUNTIME_DIR/karta/kartad.sock`, else `~/.karta/run/kartad.sock`. */
export function socketPath({ env, homedir, platform }: PathsEnvironment): string {
  const absolute = path.resolve(
    given(env.KARTA_SOCKET) ??
      (env.XDG_RUNTIME_DIR
        ? path.join(env.XDG_RUNTIME_DIR, "karta", "kartad.sock")
        : path.join(homedir, ".karta", "run", "kartad.sock")),
  );
  const limit = SUN_PATH_BYTES[platform] ?? SMALLEST_SUN_PATH_BYTES;
  const bytes = Buffer.byteLength(absolute);
  if (bytes > limit) {
    throw new KartaError(
      "bad_request",
      `the socket path is ${bytes} bytes long and this system takes ${limit}: ${absolute}; set KARTA_SOCKET to a shorter one`,
    );
  }
  return absolute;
}

/** kartad's state folder: `$KARTA_HOME`, else the platform's place for state. */
export function stateHome({ env, homedir, platform }: PathsEnvironment): string {
  if (env.KARTA_HOME) return path.resolve(env.KARTA_HOME);
  if (platform === "darwin") return path.join(homedir, "Library", "Application Support", "karta");
  return path.join(given(env.XDG_STATE_HOME) ?? path.join(homedir, ".local", "state"), "karta");
}

/** The folder of Karta's own package.json, from source and from `dist/` alike. */
export function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package.json"))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error("Karta's package.json is missing above " + import.meta.url);
    folder = parent;
  }
  return folder;
}

/** Karta's own version, as package.json has it. */
export function packageVersion(): string {
  const text = readFileSync(path.join(packageRoot(), "package.json"), "utf8");
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === "object" && parsed !== null && "version" in parsed
    ? String(parsed.version)
    : "0.0.0";
}
