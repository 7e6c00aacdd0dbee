/** The project that both sides run: small, so that what is measured is Karta and not a folder. */

export interface PoolSettings {
  readonly spares?: number;
  readonly idleTimeoutSeconds?: number;
  readonly maxProcesses?: number;
}

const INSTRUCTIONS = "# Bench\n\nAnswer in one sentence. Use no tools.\n";

/** What the plain SDK's folder holds. */
export const PLAIN_FILES: Readonly<Record<string, string>> = { "CLAUDE.md": INSTRUCTIONS };

/** The same folder as a Karta project. */
export function kartaFiles({ spares = 0, idleTimeoutSeconds = 600, maxProcesses = 16 }: PoolSettings = {}) {
  const pool = { spares, idle_timeout_seconds: idleTimeoutSeconds, max_processes: maxProcesses };
  const keys = Object.entries(pool).map(([name, value]) => `${name} = ${value}\n`);
  return { ...PLAIN_FILES, "karta.toml": `[pool]\n${keys.join("")}` };
}
