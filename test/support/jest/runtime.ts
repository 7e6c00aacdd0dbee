/**
 * jest's runtime with Node's own module loader. jest's loads every module anew for each test file, 600 for a file that
 * starts an HTTP server: half a second to a second of the machine's time, two hundred times over. Here a worker loads it
 * once, and as kartad does. What a file may rely on instead: the sources keep no state in modules (`test/architecture.test.ts`),
 * and globals are put back (`environment.ts`). There is no `jest.mock`: the tests use the real parts.
 */
import { createRequire, registerHooks } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type jestRuntime from "jest-runtime";
import { z } from "zod";
import { setGlobals, type Globals } from "./globals.ts";

const require = createRequire(import.meta.url);
const { default: JestRuntime } = z.custom<typeof jestRuntime>().parse(require("jest-runtime"));
const root = path.resolve(import.meta.dirname, "../../..");

const STANDS_FOR: Readonly<Record<string, string>> = {
  "@jest/globals": pathToFileURL(path.join(import.meta.dirname, "globals.ts")).href,
  "karta/client": pathToFileURL(path.join(root, "shared/client/index.ts")).href, // the sources, not what was built of them
};

registerHooks({
  resolve: (specifier, context, next) => {
    const url = STANDS_FOR[specifier];
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});

const getBuiltinModule = process.getBuiltinModule.bind(process);
let files = 0;

class SharedRuntime extends JestRuntime {
  readonly #file = ++files;

  constructor(...given: ConstructorParameters<typeof JestRuntime>) {
    super(...given);
    process.getBuiltinModule = getBuiltinModule; // jest has put its own there, for a realm's copy of `process`
  }

  override unstable_shouldLoadAsEsm(): boolean {
    return true;
  }

  /** Of the setup and of the test file, which are loaded anew: their query makes another module of them. */
  override async unstable_importModule(file: string): Promise<unknown> {
    setGlobals(this.requireModuleOrMock<Globals>(file, "@jest/globals"));
    return import(`${pathToFileURL(file).href}?${this.#file}`);
  }

  /** Of jest-circus, whose list of hooks and tests is its module's state. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as it is declared in jest-runtime
  override requireInternalModule<T = unknown>(from: string, to?: string): T {
    const file = to ?? from;
    Reflect.deleteProperty(require.cache, file);
    return z.custom<T>().parse(require(file));
  }
}

export { SharedRuntime as "module.exports" }; // what `require` gives jest
