// Karta for Node: `import { Karta } from "karta"`. Plain JavaScript, since it is loaded into the app's own process.
import { Client, Session } from "./client.js";
import { appContext } from "./context.js";
import { EVENTS, Registry } from "./registry.js";
import { toolOf } from "./tools.js";

export { allow, keywordGate, maxLength, maxMessages, refuse, rewrite } from "./policies.js";
export { ToolError } from "./tools.js";
export { KartaError, NoDaemonError, Session } from "./client.js";

/**
 * What makes an object a Karta app. A registered symbol and not the class: an app that has `karta` in its own
 * node_modules has another copy of the class than the one Karta brings, and `instanceof` would be wrong.
 */
export const kartaApp = Symbol.for("karta.app");
/** What is registered, for Karta's worker. */
const kartaRegistry = Symbol.for("karta.registry");

/** An app, and a client: karta.d.ts says what each method takes. */
export class Karta {
  #registry = new Registry();
  #target;
  #client = null;
  #ownSession = null;

  constructor(folder, options = {}) {
    this.#target = { ...options, folder };
  }

  /** How many of each kind are registered. */
  [kartaApp]() {
    return this.#registry.counts();
  }

  [kartaRegistry]() {
    return this.#registry;
  }

  on(event, run) {
    if (!EVENTS.includes(event)) {
      throw new TypeError(`there is no event ${JSON.stringify(event)}; there are: ${EVENTS.join(", ")}`);
    }
    this.#registry.handlers.push({ event, run: requireFunction(run) });
    return this;
  }

  policy(run) {
    this.#registry.policies.push(requireFunction(run));
    return this;
  }

  tool(name, options, run) {
    this.#registry.addTool(toolOf(name, options, run));
    return this;
  }

  get agents() {
    return [...appContext().agents];
  }

  get skills() {
    return [...appContext().skills];
  }

  session(options = {}) {
    this.#client ??= new Client(this.#target);
    return new Session(this.#client, options);
  }

  send(text, options) {
    return this.#own().send(text, options);
  }

  stream(text, options) {
    return this.#own().stream(text, options);
  }

  #own() {
    return (this.#ownSession ??= this.session());
  }
}

function requireFunction(run) {
  if (typeof run !== "function") throw new TypeError(`expected a function, found ${typeof run}`);
  return run;
}
