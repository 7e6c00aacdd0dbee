// Karta for Node apps: `import { Karta } from "karta"`. Plain JavaScript, since it is loaded into the app's own process.

/**
 * What makes an object a Karta app. A registered symbol and not the class: an app that has `karta` in its own
 * node_modules has another copy of the class than the one Karta brings, and `instanceof` would be wrong.
 */
export const kartaApp = Symbol.for("karta.app");

/** An app. One instance a module, named by karta.toml's `entry_point`. */
export class Karta {
  /**
   * What the app has registered: handlers of a session's events, policies that may refuse a message, tools the agent may
   * call. Empty: this version of Karta takes no hooks yet. A later one fills it through methods of this class; it is
   * here so that the check of an entry point already counts the real thing.
   */
  #registry = { handlers: [], policies: [], tools: [] };

  /** How many of each kind are registered. */
  [kartaApp]() {
    return {
      handlers: this.#registry.handlers.length,
      policies: this.#registry.policies.length,
      tools: this.#registry.tools.length,
    };
  }
}
