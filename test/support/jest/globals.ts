/** What `@jest/globals` is for modules that Node loads: live bindings, to those of the test file that is running. */
import type * as Jest from "@jest/globals";

/** The names of `@jest/globals` that tests use. */
export type Globals = Pick<
  typeof Jest,
  "afterAll" | "afterEach" | "beforeAll" | "beforeEach" | "describe" | "expect" | "it" | "jest" | "test"
>;

export let afterAll: Globals["afterAll"];
export let afterEach: Globals["afterEach"];
export let beforeAll: Globals["beforeAll"];
export let beforeEach: Globals["beforeEach"];
export let describe: Globals["describe"];
export let expect: Globals["expect"];
export let it: Globals["it"];
export let jest: Globals["jest"];
export let test: Globals["test"];

/** From now on the names above stand for these. */
export function setGlobals(globals: Globals): void {
  ({ afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = globals);
}
