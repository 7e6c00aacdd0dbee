/** The environment of a project's own code: entry points and setup scripts. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** Nothing else of the daemon's environment gets through: no model keys, no loader options. */
const PASSED_ON = ["PATH", "LANG", "LC_ALL", "TMPDIR"] as const;

/**
 * PATH, LANG, LC_ALL and TMPDIR of the daemon, the workspace's HOME, and the names that karta.toml's `[env]` binds.
 * A bound name never replaces one of Karta's own (binding them is refused when the project is read).
 */
export function childEnvironment(options: {
  readonly baseEnv: Environment;
  readonly home: string;
  readonly boundEnv: Readonly<Record<string, string>>;
}): Record<string, string> {
  const { baseEnv, home, boundEnv } = options;
  const environment: Record<string, string> = { ...boundEnv };
  for (const name of PASSED_ON) {
    const value = baseEnv[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, HOME: home };
}
