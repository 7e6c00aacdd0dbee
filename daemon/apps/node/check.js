// Imports an app's entry point and prints one line of JSON about it: `node --import resolve-karta.js check.js FILE ATTRIBUTE`.
// The forms of the answer are declared in daemon/apps/protocol.ts. `$KARTA_CHECK_MARKER` is put before the JSON: what
// the app prints goes to standard error, but code that writes to descriptor 1 itself could still come in between.
import { writeSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const MAX_NAMES = 50;
const MAX_MESSAGE = 2000;
const kartaApp = Symbol.for("karta.app");

const [, , file, attribute] = process.argv;
const root = process.env.KARTA_APP_ROOT || process.cwd();
const marker = process.env.KARTA_CHECK_MARKER ?? "";
const exit = process.exit.bind(process);

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

function answer(result) {
  const line = Buffer.from(`\n${marker}${JSON.stringify(result)}\n`);
  for (let sent = 0; sent < line.length;) {
    try {
      sent += writeSync(1, line, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error; // the reader is behind
    }
  }
}

function lookUp(namespace) {
  // A CommonJS module's names are the properties of its default export, and only some of them are seen by `import`.
  const exported = isObject(namespace.default) ? { ...namespace.default, ...namespace } : { ...namespace };
  const instances = Object.keys(exported).filter((name) => isApp(exported[name]));
  let found = exported;
  for (const name of attribute.split(".")) {
    if (!isObject(found) || !(name in found)) {
      const names = Object.keys(exported).filter((name) => name !== "module.exports");
      return {
        outcome: "attribute_missing",
        instances: instances.slice(0, MAX_NAMES),
        names: names.slice(0, MAX_NAMES),
      };
    }
    found = found[name];
  }
  if (!isApp(found))
    return { outcome: "not_an_app", found: kindOf(found), instances: instances.slice(0, MAX_NAMES) };
  return { outcome: "loaded", features: found[kartaApp]() };
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

function explain(error) {
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
  const message =
    error instanceof Error
      ? `${error.name}: ${error.message}`
      : `${JSON.stringify(error) ?? String(error)} was thrown`;
  return { outcome: "raised", message: cut(message), ...frameOf(error) };
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

function onUncaught(error) {
  answer(explain(error));
  exit(0);
}

process.on("uncaughtException", onUncaught); // a rejection or a timer that the import left behind
process.stdout.write = process.stderr.write.bind(process.stderr);
process.argv = [process.argv[0], file];
try {
  const namespace = await import(pathToFileURL(file).href);
  answer(lookUp(namespace));
  exit(0);
} catch (error) {
  const result = explain(error);
  answer(result);
  if (result.outcome === "syntax_error" && result.file === null) {
    // Node knows the line of an ES module's syntax error, but says it only of an error that nobody caught.
    process.removeAllListeners("uncaughtException");
    setImmediate(() => {
      throw error;
    });
  } else exit(0);
}
