/** What every harness's child gets of the daemon's environment, and what a project may never set for it. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Kept from the daemon's environment, where present. */
const INHERITED = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SHELL", "USER", "LOGNAME"];

/** Through what requests go; passed on with any credential that is not offline. */
export const CONNECTION_VARIABLES = [
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
  "https_proxy",
  "http_proxy",
  "no_proxy",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
] as const;

/**
 * Nothing of kartad's own is inherited but these; the names that the app declared are bound, unless the daemon keeps
 * them to itself: a project that could set where requests go would send the operator's key elsewhere.
 * @param kept names that a project does not set
 */
export function baseEnvironment(
  daemonEnv: Environment,
  launch: { readonly env: Readonly<Record<string, string>>; readonly home: string },
  kept: RegExp,
): Record<string, string> {
  const env: Record<string, string> = { PATH: "/usr/local/bin:/usr/bin:/bin" };
  Object.assign(
    env,
    pickVariables(daemonEnv, (name) => INHERITED.includes(name)),
  );
  for (const [name, value] of Object.entries(launch.env)) if (!kept.test(name)) env[name] = value;
  env.HOME = launch.home;
  return env;
}

export function pickVariables(env: Environment, wanted: (name: string) => boolean): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && wanted(name)) picked[name] = value;
  return picked;
}
