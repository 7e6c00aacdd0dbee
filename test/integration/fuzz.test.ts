/**
 * Requests made of `/openapi.json` itself, right and wrong, against a real kartad: never a 5xx but those that are
 * described, every answer as the document says, and a daemon that is well at the end. Agents are scripted: a turn that
 * costs nothing leaves the time to the API.
 *
 * `KARTA_FUZZ_RUNS=1000 KARTA_FUZZ_SEED=7` runs it longer, or again.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import path from "node:path";
import fc from "fast-check";
import { openApiDocument } from "../../daemon/http/openapi/document.ts";
import { packageRoot } from "../../shared/paths.ts";
import { createSession } from "../support/api.ts";
import { ErrorBodySchema } from "../../shared/errors.ts";
import { takeBreaches } from "../support/contract/observer.ts";
import { heardOut, spoiltBytes } from "../support/fuzz/bytes.ts";
import { requestsOf } from "../support/fuzz/requests.ts";
import { Fuzzer } from "../support/fuzz/send.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

const RUNS = Number(process.env.KARTA_FUZZ_RUNS ?? 30);
const SEED = Number(process.env.KARTA_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Requests of one run, all at once. */
const AT_ONCE = 50;

jest.setTimeout(60_000 + RUNS * 2000);

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  kartad = await home.start({
    nodeArgs: [`--import=${path.join(packageRoot(), "test/fixtures/scripted-kartad/inject-moody.ts")}`],
  });
  const folder = home.project("bot", {
    "CLAUDE.md": "# Bot",
    ".claude/agents/billing.md": "---\nname: billing\ndescription: bills\n---\n# Billing",
    "karta.toml":
      "[runtime]\napproval_timeout_seconds = 1\nturn_timeout_seconds = 2\n[pool]\nmax_processes = 12\nspares = 0\n",
  });
  await home.operator.addProject(folder);
});
afterAll(() => home.remove());

test(`${RUNS * AT_ONCE} requests (seed ${SEED}) get no answer that the document does not describe`, async () => {
  const batch = fc.array(requestsOf(openApiDocument("0.0.0")), {
    minLength: AT_ONCE,
    maxLength: AT_ONCE,
    size: "max",
  });
  const fuzzer = new Fuzzer(Number(new URL(kartad.url).port), (await createSession(kartad.url)).id);
  const property = fc.asyncProperty(batch, async (requests) => {
    const wrong = await Promise.all(requests.map((request) => fuzzer.send(request)));
    expect([...wrong.filter((one) => one !== null), ...(await takeBreaches())]).toEqual([]);
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  fuzzer.close();
  // The requests were good enough to get somewhere, and bad enough to be refused.
  expect([...fuzzer.statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 404, 409, 422]));
});

test(`${RUNS * AT_ONCE} spoilt requests (seed ${SEED}) are refused with the error body, or not answered`, async () => {
  const port = Number(new URL(kartad.url).port);
  const batch = fc.array(spoiltBytes, { minLength: AT_ONCE, maxLength: AT_ONCE, size: "max" });
  const refusals = new Set<number>();
  const property = fc.asyncProperty(batch, async (all) => {
    for (const answer of await Promise.all(all.map((pieces) => heardOut(port, pieces)))) {
      if (answer === null || answer.status < 400) continue;
      refusals.add(answer.status);
      expect(answer.status).not.toBe(500);
      expect(ErrorBodySchema.parse(JSON.parse(answer.body)).detail).not.toBe("");
    }
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  expect([...refusals]).toEqual(expect.arrayContaining([400, 403, 404]));
});

test("kartad is well, and logged no error of its own", async () => {
  expect((await fetch(`${kartad.url}/readyz`)).status).toBe(200);
  const { id } = await createSession(kartad.url);
  expect(id).toMatch(/^sess_/);
  const exit = await kartad.stop();
  expect(exit.stderr).not.toMatch(/a request failed|unhandled|FATAL|a bug in kartad/i);
  expect(exit.code).toBe(0);
});
