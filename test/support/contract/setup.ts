/** Loaded by jest before each test file: a test that got an answer of Karta's which `/openapi.json` does not describe fails. */
import { afterAll, afterEach, jest } from "@jest/globals";
import { startObserving, stopObserving, takeBreaches } from "./observer.ts";

// jest's own 5 s are a busy machine's pause. What must be fast is measured by the bench.
jest.setTimeout(30_000);

startObserving();

async function requireNone(): Promise<void> {
  const breaches = await takeBreaches();
  if (breaches.length > 0) throw new Error(`not as /openapi.json says:\n${breaches.slice(0, 20).join("\n")}`);
}

afterEach(requireNone);
afterAll(async () => {
  stopObserving();
  await requireNone();
});
