/**
 * Loaded by jest before each test file. What holds for every file is done here: the modules beside it are loaded once a
 * worker, and their own hooks would be those of the first file alone.
 */
import { afterAll, afterEach, jest } from "@jest/globals";
import { removeFolders } from "../../unit/apps/temp-project.ts";
import { startObserving, stopObserving, takeBreaches } from "../contract/observer.ts";

// jest's own 5 s are a busy machine's pause. What must be fast is measured by the bench.
jest.setTimeout(30_000);

startObserving();

/** A test that got an answer of Karta's which `/openapi.json` does not describe fails. */
async function requireNone(): Promise<void> {
  const breaches = await takeBreaches();
  if (breaches.length > 0) throw new Error(`not as /openapi.json says:\n${breaches.slice(0, 20).join("\n")}`);
}

afterEach(requireNone);
afterAll(async () => {
  stopObserving();
  await requireNone();
});
afterAll(removeFolders);
