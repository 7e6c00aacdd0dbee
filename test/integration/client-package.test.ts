/** `karta` and `karta/client` as an app developer gets them: packed, in another folder, with its dependencies alone beside it. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { execa } from "execa";
import { z } from "zod";
import { packageRoot } from "../../shared/paths.ts";
import { CuttingKarta } from "../fixtures/cutting-karta.ts";

jest.setTimeout(60_000);

const root = packageRoot();
const app = mkdtempSync(path.join(os.tmpdir(), "karta-app-"));
/** What the client may need of others. */
const DEPENDENCIES = ["zod", "nanoid", "eventsource-parser"];

let karta: CuttingKarta;

beforeAll(async () => {
  karta = await CuttingKarta.listen(0);
  const modules = path.join(app, "node_modules");
  mkdirSync(path.join(modules, "karta"), { recursive: true });
  await execa("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", app], {
    cwd: root,
    env: { npm_config_cache: path.join(app, "npm-cache"), NODE_OPTIONS: "" },
  });
  await execa("tar", ["-xzf", "karta-0.1.0.tgz", "--strip-components=1", "-C", "node_modules/karta"], {
    cwd: app,
  });
  for (const name of DEPENDENCIES)
    symlinkSync(path.join(root, "node_modules", name), path.join(modules, name));
  writeFileSync(path.join(app, "package.json"), JSON.stringify({ name: "app", type: "module" }));
});
afterAll(async () => {
  await karta.close();
  rmSync(app, { recursive: true, force: true });
});

test("runs in a plain Node script: a turn by URL, and the socket's transport", async () => {
  writeFileSync(
    path.join(app, "script.js"),
    `import { KartaClient, KartaError } from "karta/client";
     import { socketTransport } from "karta/client/socket";
     const karta = new KartaClient({ url: "${karta.url}", apiKey: "secret" });
     for await (const event of karta.stream("${karta.session.id}", { text: "hi" })) console.log(event.type);
     const lost = new KartaClient({ transport: socketTransport("/nowhere.sock") }).health();
     await lost.catch((error) => console.log(error instanceof KartaError, error.failure));`,
  );
  const { stdout } = await execa(process.execPath, ["script.js"], { cwd: app, env: { NODE_OPTIONS: "" } });
  expect(stdout.split("\n")).toEqual(["done", "false refused"]);
});

test("`karta` drives a kartad from there, over connections that break", async () => {
  const program = path.join(app, "follow.mjs");
  copyFileSync(path.join(root, "test/fixtures/apps/follow.mjs"), program);
  karta.fates.push({ kind: "lost" }, { kind: "cut", bytes: 30, cleanly: false });
  const { stdout } = await execa(process.execPath, [program, "sends", karta.url, "1"], {
    cwd: app,
    env: { NODE_OPTIONS: "" },
  });
  const [first, second, again] = z.array(z.string()).parse(JSON.parse(stdout));
  expect(second).not.toBe(first);
  expect(again).toBe(second);
});

test("an app that has `karta` installed is loaded with its own copy, and one that has not with Karta's", async () => {
  const source = `import { Karta, maxLength } from "karta";
import { KartaClient } from "karta/client";
console.log(import.meta.resolve("karta"), import.meta.resolve("karta/client"), typeof KartaClient);
export const app = new Karta().policy(maxLength(10));
`;
  const bare = mkdtempSync(path.join(os.tmpdir(), "karta-bare-"));
  const load = async (folder: string) => {
    writeFileSync(path.join(folder, "app.mjs"), source);
    const programs = path.join(root, "daemon/apps/node");
    const args = ["--import", path.join(programs, "resolve-karta.js"), path.join(programs, "check.js")];
    const { stdout, stderr } = await execa(process.execPath, [...args, path.join(folder, "app.mjs"), "app"], {
      cwd: folder,
      env: { NODE_OPTIONS: "", KARTA_APP_ROOT: folder },
    });
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "loaded", features: { policies: 1 } });
    return stderr.split(" ");
  };
  const own = pathToFileURL(realpathSync(path.join(app, "node_modules/karta"))).href;
  const ours = pathToFileURL(root).href;
  for (const [folder, from] of [
    [app, own],
    [bare, ours],
  ] as const)
    expect(await load(folder)).toEqual([
      `${from}/daemon/apps/node/karta.js`,
      `${from}/dist/shared/client/index.js`,
      "function",
    ]);
  rmSync(bare, { recursive: true });
});

test("has its types: what is wrong does not compile, and nothing is any", async () => {
  writeFileSync(
    path.join(app, "consumer.ts"),
    `import { Karta } from "karta";
     import { KartaClient, isTerminal, type Session, type SessionEvent } from "karta/client";
     import { socketTransport } from "karta/client/socket";
     export const karta = new KartaClient({ transport: socketTransport("/run/karta.sock"), project: "bot" });
     export async function words(): Promise<string> {
       const session: Session = await karta.createSession({ metadata: { visitor: "v1", vip: true } });
       let said = "";
       for await (const event of karta.stream(session.id, { text: "hi" }, { signal: AbortSignal.timeout(1000) })) {
         if (event.type === "text") said += event.data.part.text;
         if (event.type === "done") console.log(event.data.usage.total_tokens.toFixed());
         // @ts-expect-error: no such event
         if (event.type === "novelty") break;
         if (isTerminal(event)) break;
       }
       // @ts-expect-error: an id is a string
       session.id.toFixed();
       // @ts-expect-error: a message has a text
       void karta.send(session.id, {});
       // @ts-expect-error: how to stream is the method's choice
       void karta.send(session.id, { text: "hi", stream: true });
       return said;
     }
     const bot = new Karta("./my-app", { socket: "/run/karta.sock" });
     export const reply: Promise<string> = bot.send("hi", { idempotencyKey: "k" }).then(({ text }) => text);
     export async function roasts(signal: AbortSignal): Promise<void> {
       for await (const { text, seq } of bot.session({ metadata: { visitor: "v1" } }).stream("hi", { signal })) {
         console.log(text.length + seq);
       }
     }
     // @ts-expect-error: there is no such event
     bot.on("message.sent", () => undefined);
     export type Ends = Extract<SessionEvent, { type: "done" | "error" }>;`,
  );
  const { stdout, exitCode } = await execa(
    path.join(root, "node_modules/.bin/tsc"),
    [
      ...["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"],
      ...["--module", "nodenext", "--types", "node", "--typeRoots", path.join(root, "node_modules/@types")],
      "consumer.ts",
    ],
    { cwd: app, reject: false, env: { NODE_OPTIONS: "" } },
  );
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
});

test("can be bundled for a browser: nothing of Node is in it", async () => {
  // In a process of its own: the bundler's threads do not end under jest.
  writeFileSync(
    path.join(app, "bundle.js"),
    `import { rolldown } from ${JSON.stringify(import.meta.resolve("rolldown"))};
     const bundle = await rolldown({ input: "entry.js", platform: "browser", logLevel: "silent" });
     const { output: [chunk, ...more] } = await bundle.generate({ format: "esm" });
     await bundle.close();
     console.log(JSON.stringify({ more, imports: chunk.imports, exports: chunk.exports }));`,
  );
  writeFileSync(path.join(app, "entry.js"), 'export { KartaClient } from "karta/client";');
  const { stdout } = await execa(process.execPath, ["bundle.js"], { cwd: app, env: { NODE_OPTIONS: "" } });
  expect(JSON.parse(stdout)).toEqual({ more: [], imports: [], exports: ["KartaClient"] });
});

test("the package's programs stay what they were", () => {
  const packed: unknown = JSON.parse(readFileSync(path.join(app, "node_modules/karta/package.json"), "utf8"));
  expect(packed).toMatchObject({ bin: { karta: "cli/bin/karta.js", kartad: "daemon/bin/kartad.js" } });
});
