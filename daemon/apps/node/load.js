// Imports an app's entry point and says what came of it, in the forms that daemon/apps/protocol.ts declares.
import { registerHooks } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const MAX_NAMES = 50;
const MAX_MESSAGE = 2000;
const kartaApp = Symbol.for("karta.app");
const kartaRegistry = Symbol.for("karta.registry");
const root = process.env.KARTA_APP_ROOT || process.cwd();

/** Errors of modules that were not found → what was asked for, and by whom. */
const unresolved = new WeakMap();

registerHooks({
  resolve(specifier, context, nextResolve) {
    try {
      return nextResolve(specifier, context);
    } catch (error) {
      if (error?.code === "ERR_MODULE_NOT_FOUND" || error?.code === "MODULE_NOT_FOUND") {
        // A `require` inside another's `require` passes here once each, the innermost first.
        if (!unresolved.has(error)) unresolved.set(error, { specifier, parent: context.parentURL });
      }
      throw error;
    }
  },
});

/**
 * @returns {Promise<{ answer: object, app: object | null, error?: unknown }>} what came of it, the app itself when that
 *   is `loaded`, and what was thrown
 */
export async function load(file, attribute) {
  process.argv = [process.argv[0], file];
  try {
    return lookUp(await import(pathToFileURL(file).href), attribute);
  } catch (error) {
    return { answer: explain(error), app: null, error };
  }
}

function lookUp(namespace, attribute) {
  // A CommonJS module's names are the properties of its default export, and only some of them are seen by `import`.
  const exported = isObject(namespace.default) ? { ...namespace.default, ...namespace } : { ...namespace };
  const instances = Object.keys(exported).filter((name) => isApp(exported[name]));
  let found = exported;
  for (const name of attribute.split(".")) {
    if (!isObject(found) || !(name in found)) {
      const names = Object.keys(exported).filter((name) => name !== "module.exports");
      const missing = {
        outcome: "attribute_missing",
        instances: instances.slice(0, MAX_NAMES),
        names: names.slice(0, MAX_NAMES),
      };
      return { answer: missing, app: null };
    }
    found = found[name];
  }
  if (!isApp(found)) {
    const answer = {
      outcome: "not_an_app",
      found: kindOf(found),
      instances: instances.slice(0, MAX_NAMES),
    };
    return { answer, app: null };
  }
  const registry = registryOf(found); // an older copy of this package has none
  const loaded = { outcome: "loaded", features: found[kartaApp]() };
  return { answer: registry === null ? loaded : { ...loaded, app: registry.described() }, app: found };
}

/** What an app has registered; null for one made by an older copy of this package. */
export function registryOf(app) {
  return typeof app[kartaRegistry] === "function" ? app[kartaRegistry]() : null;
}

function isObject(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function isApp(value) {
  return typeof value === "object" && value !== null && typeof value[kartaApp] === "function";
}

function kindOf(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") {
    return `${/^class\b/.test(Function.prototype.toString.call(value)) ? "the class" : "the function"} ${value.name}`;
  }
  return typeof value === "object"
    ? `an object of type ${value.constructor?.name ?? "Object"}`
    : `a ${typeof value}`;
}

/** What went wrong in an import, as an answer. */
export function explain(error) {
  const missing = isObject(error) ? unresolved.get(error) : undefined;
  if (missing !== undefined) {
    const { specifier, parent } = missing;
    const own = /^(\.{0,2}\/|file:|#)/.test(specifier);
    const name = own ? specifier : packageName(specifier);
    const from = parent?.startsWith("file:") ? shown(fileURLToPath(parent)) : null;
    return {
      outcome: own ? "import_missing" : "dependency_missing",
      name: name.slice(0, MAX_MESSAGE),
      file: from,
      line: null,
    };
  }
  if (error instanceof SyntaxError) {
    const place = placeOf(/^(.+):(\d+)\n/.exec(error.stack ?? ""));
    return { outcome: "syntax_error", message: cut(`${error.name}: ${error.message}`), ...place };
  }
  return { outcome: "raised", message: cut(wordsOf(error)), ...frameOf(error) };
}

/** Whatever was thrown, in words. Never throws. */
export function wordsOf(error) {
  try {
    return error instanceof Error
      ? `${error.name}: ${error.message}`
      : `${JSON.stringify(error) ?? String(error)} was thrown`;
  } catch {
    return `a ${typeof error} was thrown that cannot be told`; // it holds itself, say
  }
}

/** `@scope/name/deep` → `@scope/name`. */
function packageName(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** The topmost frame in the app's own files: where its author can do something about it. */
function frameOf(error) {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const [, where, line] of stack.matchAll(/((?:file:\/\/)?\/[^\s()]*):(\d+):\d+\)?$/gm)) {
    const place = placeOf([, where, line]);
    if (!path.isAbsolute(place.file) && !place.file.includes("node_modules")) return place;
  }
  return { file: null, line: null };
}

function placeOf(match) {
  if (match === null) return { file: null, line: null };
  const [, where, line] = match;
  const absolute = where.startsWith("file:") ? fileURLToPath(where) : where;
  return { file: shown(absolute), line: Number(line) };
}

function shown(absolute) {
  const relative = path.relative(root, absolute);
  return relative.startsWith("..") ? absolute : relative;
}

function cut(text) {
  return text.split("\n", 1)[0].slice(0, MAX_MESSAGE);
}
