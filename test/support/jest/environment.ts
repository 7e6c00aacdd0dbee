/**
 * A test file sees the worker's own globals and environment; what it has changed there is put back after it. jest's own
 * environment is a realm (`node:vm`) for each file, in which every module would be loaded anew.
 */
import type { JestEnvironmentConfig } from "@jest/environment";
import { ModernFakeTimers } from "@jest/fake-timers";
import { ModuleMocker } from "jest-mock";

type Properties = Map<string | symbol, PropertyDescriptor | undefined>;

function propertiesOf(holder: object): Properties {
  return new Map(Reflect.ownKeys(holder).map((key) => [key, Object.getOwnPropertyDescriptor(holder, key)]));
}

function putBack(holder: object, before: Properties): void {
  for (const key of Reflect.ownKeys(holder)) if (!before.has(key)) Reflect.deleteProperty(holder, key);
  for (const [key, was] of before) {
    const is = Object.getOwnPropertyDescriptor(holder, key);
    if (was !== undefined && (is?.value !== was.value || is?.get !== was.get))
      Reflect.defineProperty(holder, key, was);
  }
}

export default class SharedEnvironment {
  readonly global = globalThis;
  readonly moduleMocker = new ModuleMocker(globalThis);
  readonly fakeTimers = null;
  readonly fakeTimersModern: ModernFakeTimers;
  readonly #globals = propertiesOf(globalThis);
  readonly #variables = propertiesOf(process.env);
  readonly #exit = process.exit.bind(process);

  constructor({ projectConfig }: JestEnvironmentConfig) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  setup(): Promise<void> {
    return Promise.resolve();
  }

  teardown(): Promise<void> {
    this.fakeTimersModern.dispose();
    putBack(globalThis, this.#globals);
    putBack(process.env, this.#variables);
    process.exit = this.#exit; // jest puts a warning around it for each file
    return Promise.resolve();
  }

  getVmContext(): null {
    return null;
  }
}
