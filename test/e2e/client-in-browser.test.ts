/** `karta/client` in a real browser, on a page of an allowed origin, over connections that break. */
import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { execa } from "execa";
import type { Browser } from "playwright-core";
import { packageRoot } from "../../shared/paths.ts";
import { cuttingProxy } from "../support/cutting-proxy.ts";
import { httpBench } from "../support/http.ts";
import { spawnerForTests } from "../unit/apps/temp-project.ts";
import { launchBrowser } from "./support/browser.ts";

jest.setTimeout(60_000); // unpacking the browser takes a while, the first time

/** Prints the client as one module. In a process of its own: the bundler's threads do not end under jest. */
const BUNDLE = `
  import { rolldown } from "rolldown";
  const bundle = await rolldown({ input: "dist/shared/client/index.js", platform: "browser" });
  const { output } = await bundle.generate({ format: "esm" });
  process.stdout.write(output[0].code);`;

const { stdout: script } = await execa(process.execPath, ["--input-type=module", "--eval", BUNDLE], {
  cwd: packageRoot(),
  env: { NODE_OPTIONS: "" },
});
const pages = createServer((request, response) => {
  const isScript = request.url === "/client.js";
  response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
  response.end(isScript ? script : "<!doctype html><title>An app</title>");
});
pages.listen(0, "127.0.0.1");
await once(pages, "listening");
const address = pages.address();
const origin = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";

const { url, harness, create, events } = await httpBench(spawnerForTests(), { allowedOrigins: [origin] });
const proxy = await cuttingProxy(url);
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await proxy.close();
  pages.closeAllConnections();
  pages.close();
});

test("a turn is read whole over lost answers and cut streams, and runs once", async () => {
  harness.script = (turn) => {
    for (let word = 1; word <= 30; word += 1) turn.say(`wörd ${word} `);
    turn.end();
  };
  const id = await create();
  const page = await browser.newPage();
  await page.goto(origin);
  // The first connection carries the preflight too.
  proxy.cutAfter(900, 0, 1500, 900, 700);
  const reading = `import("/client.js").then(async ({ KartaClient }) => {
    const karta = new KartaClient({ url: ${JSON.stringify(proxy.url)}, retry: { firstWaitMs: 5 } });
    const seen = [];
    let turn = null;
    const options = { onTurn: (id) => (turn = id) };
    for await (const event of karta.stream(${JSON.stringify(id)}, { text: "hi" }, options)) seen.push(event.seq);
    return { seen, turn };
  })`;
  const { seen, turn } = await page.evaluate<{ seen: number[]; turn: string | null }>(reading);
  expect(proxy.cuts).toBeGreaterThan(1);
  const stored = await events(id);
  expect(stored.filter(({ type }) => type === "message")).toHaveLength(1);
  expect(turn).toBe(stored[0]?.turn_id);
  expect(seen).toEqual(stored.map(({ seq }) => seq).slice(1));
});
