// What Karta tells an app about its folder before it imports it. Under a registered symbol: an app that has `karta` in
// its own node_modules has another copy of this module.
const place = Symbol.for("karta.context");

/** @returns {{ agents: object[], skills: object[] }} empty lists when the module is imported by hand */
export function appContext() {
  return (globalThis[place] ??= { agents: [], skills: [] });
}

/** Called by check.js and worker.js before the app is imported. */
export function receiveContext({ agents, skills }) {
  globalThis[place] = { agents, skills };
}
