/**
 * Requests made of `/openapi.json` itself, right and wrong, against a real kartad: never a 5xx but those that are
 * described, every answer as the document says, nothing of another tenant's, and a daemon that is well at the end. Agents
 * are scripted: a turn that costs nothing leaves the time to the API.
 *
 * `KARTA_FUZZ_RUNS=400 KARTA_FUZZ_SEED=7` runs it longer (20,000 requests of each form), or again.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { openApiDocument } from "../../daemon/http/openapi/document.ts";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, request } from "../support/api.ts";
import { ErrorBodySchema } from "../../shared/errors.ts";
import { takeBreaches } from "../support/contract/observer.ts";
import { heardOut, spoiltBytes } from "../support/fuzz/bytes.ts";
import { canaries, fuzzCredentials, leakIn } from "../support/fuzz/credentials.ts";
import { requestsOf, withCredentials } from "../support/fuzz/requests.ts";
import { Fuzzer } from "../support/fuzz/send.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

const RUNS = Number(process.env.KARTA_FUZZ_RUNS ?? 20);
const SEED = Number(process.env.KARTA_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Requests of one run, all at once. */
const AT_ONCE = 50;
/** From so many runs on it is said what they showed. */
const LONG = 400;

jest.setTimeout(60_000 + RUNS * 2000);

const document = openApiDocument("0.0.0");
const many = { minLength: AT_ONCE, maxLength: AT_ONCE, size: "max" } as const;
const how = { numRuns: RUNS, seed: SEED, endOnFailure: true };

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  mkdirSync(home.state, { recursive: true });
  const unlimited = "[limits]\nrequests_per_second = 1000000\nfailed_credentials_per_second = 1000000\n";
  writeFileSync(path.join(home.state, "kartad.toml"), unlimited);
  kartad = await home.start({
    nodeArgs: [`--import=${path.join(packageRoot(), "test/fixtures/scripted-kartad/inject-moody.ts")}`],
  });
  for (const name of ["bot", "other"]) {
    const folder = home.project(name, {
      "CLAUDE.md": "# Bot",
      ".claude/agents/billing.md": "---\nname: billing\ndescription: bills\n---\n# Billing",
      "karta.toml":
        "[runtime]\napproval_timeout_seconds = 1\nturn_timeout_seconds = 2\n[pool]\nmax_processes = 12\nspares = 0\n",
    });
    await home.operator.addProject(folder);
  }
  expect(await home.karta(["project", "default", "bot"])).toMatchObject({ code: 0 });
});
afterAll(() => home.remove());

/** The API's own error body, or an adapter's. */
function isRefusal(body: string): boolean {
  const told = z.union([ErrorBodySchema, z.object({ error: z.object({ message: z.string().min(1) }) })]);
  return told.safeParse(JSON.parse(body)).success;
}

/** Says what a long run showed. On a busy machine, where clients leave before their answer, some routes never get to what they are for. */
function tell(fuzzer: Fuzzer): void {
  fuzzer.close();
  if (RUNS < LONG) return;
  const places = Object.entries(document.paths).flatMap(([template, item]) =>
    Object.keys(item).map((method) => `${method} ${template}`),
  );
  const unreached = places.filter((place) => !fuzzer.succeeded.has(place));
  const counts = [...fuzzer.statuses].sort(([a], [b]) => a - b).map(([status, n]) => `${status}: ${n}`);
  process.stdout.write(
    `seed ${SEED}, ${counts.join(", ")}; never a success: ${unreached.join(", ") || "none"}\n`,
  );
}

test(`${RUNS * AT_ONCE} requests (seed ${SEED}) get no answer that the document does not describe`, async () => {
  const fuzzer = new Fuzzer(Number(new URL(kartad.url).port));
  fuzzer.aim([(await createSession(kartad.url)).id]);
  const property = fc.asyncProperty(fc.array(requestsOf(document), many), async (requests) => {
    const wrong = await Promise.all(requests.map((request) => fuzzer.send(request)));
    expect([...wrong.filter((one) => one !== null), ...(await takeBreaches())]).toEqual([]);
  });
  await fc.assert(property, how);
  // The requests were good enough to get somewhere, and bad enough to be refused.
  expect([...fuzzer.statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 404, 409, 422]));
  tell(fuzzer);
});

test(`${RUNS * AT_ONCE} spoilt requests (seed ${SEED}) are refused with the error body, or not answered`, async () => {
  const port = Number(new URL(kartad.url).port);
  const refusals = new Set<number>();
  const property = fc.asyncProperty(fc.array(spoiltBytes, many), async (all) => {
    const wrong = await Promise.all(
      all.map(async (pieces) => {
        const answer = await heardOut(port, pieces);
        if (answer === null || answer.status < 400) return [];
        refusals.add(answer.status);
        return answer.status !== 500 && isRefusal(answer.body) ? [] : [[pieces, answer]];
      }),
    );
    expect(wrong.flat()).toEqual([]);
  });
  await fc.assert(property, how);
  expect([...refusals]).toEqual(expect.arrayContaining([400, 403, 404]));
});

test(`${RUNS * AT_ONCE} requests (seed ${SEED}) with credentials of every kind tell nobody what is another's`, async () => {
  const credentials = await fuzzCredentials(home.socket, kartad.url);
  const fuzzer = new Fuzzer(Number(new URL(kartad.url).port));
  const [good = [], bad = []] = [true, false].map((isGood) =>
    [...credentials].flatMap(([name, { reads }]) => ((reads !== null) === isGood ? name : [])),
  );
  const asked = withCredentials(requestsOf(document), good, bad);
  const property = fc.asyncProperty(fc.array(asked, many), async (requests) => {
    fuzzer.aim(await canaries(home.socket));
    const wrong = await Promise.all(
      requests.map((request) => {
        const credential = credentials.get(request.credential) ?? { headers: {}, reads: null };
        return fuzzer.send(request, credential.headers, (answer) =>
          leakIn(request.about, credential, answer),
        );
      }),
    );
    expect([...wrong.filter((one) => one !== null), ...(await takeBreaches())]).toEqual([]);
  });
  await fc.assert(property, how);
  expect([...fuzzer.statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 401, 403, 404, 422]));
  tell(fuzzer);
  expect((await request(kartad.url, "GET", "/v1/sessions")).status).toBe(401);
});

test("kartad is well, put no file where it was told to, and logged no error of its own", async () => {
  expect((await fetch(`${kartad.url}/readyz`)).status).toBe(200);
  expect(await home.karta(["sessions", "list"])).toMatchObject({ code: 0 });
  for (const folder of [home.folder, path.join(home.folder, "bot")])
    expect(existsSync(path.join(folder, "escaped.txt"))).toBe(false);
  const exit = await kartad.stop();
  expect(exit.stderr).not.toMatch(/a request failed|unhandled|FATAL|a bug in kartad/i);
  expect(exit.code).toBe(0);
});
