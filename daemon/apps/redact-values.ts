/** Bound values are secrets; what an app or a script prints may hold them, and messages travel to logs and clients. */

/** Shorter ones (`1`, `dev`) are no secrets, and replacing them would garble every message. */
const SHORTEST_SECRET = 6;

/** Replaces each bound value by its name in angle brackets. Longest first, since one value may contain another. */
export function redactValues(text: string, boundEnv: Readonly<Record<string, string>>): string {
  return Object.entries(boundEnv)
    .filter(([, value]) => value.length >= SHORTEST_SECRET)
    .sort(([, a], [, b]) => b.length - a.length)
    .reduce((redacted, [name, value]) => redacted.replaceAll(value, `<${name}>`), text);
}
