import { readdir } from "node:fs/promises";
import { describe, expect, test } from "@jest/globals";
import { checkEntryPoint, type CheckEntryPointOptions } from "../../../daemon/apps/check-entry-point.ts";
import type { EntryPointCheck } from "../../../daemon/apps/protocol.ts";
import { folderWith, spawnerForTests } from "./temp-project.ts";

const spawner = spawnerForTests();
const KARTA = 'import { Karta } from "karta";\n';
const APP = `${KARTA}export const app = new Karta();\n`;

async function check(
  files: Record<string, string>,
  options: Partial<CheckEntryPointOptions> & { spec?: string } = {},
): Promise<EntryPointCheck & { root: string }> {
  const root = await folderWith(files);
  const checked = await checkEntryPoint({
    root,
    entryPoint: { spec: options.spec ?? "app:app", buildpack: "node" },
    boundEnv: {},
    baseEnv: { PATH: process.env.PATH },
    home: await folderWith(),
    spawner,
    ...options,
  });
  return { ...checked, root };
}

function told(checked: EntryPointCheck): string {
  return checked.ok ? "ok" : `${checked.problem}\n${checked.fix}`;
}

describe("a Node app that loads", () => {
  test.each(["app.js", "app.mjs", "app.ts", "app.mts", "app/index.js"])(
    "as %s, with nothing installed",
    async (name) => {
      const typed = name.endsWith("ts") ? "const n: number = 1;\n" : "";
      const checked = await check({ [name]: APP + typed });
      expect(checked).toMatchObject({ ok: true, features: { handlers: 0, policies: 0, tools: 0 } });
      expect(await readdir(checked.root)).toHaveLength(1);
    },
  );

  test("as CommonJS", async () => {
    const source =
      'const { Karta } = require("karta");\nmodule.exports = Object.assign({}, { app: new Karta() });\n';
    expect(told(await check({ "app.js": source }))).toBe("ok");
  });

  test("as a default export, in a subfolder, with its ending", async () => {
    const source = `${KARTA}export default new Karta();\n`;
    expect(told(await check({ "src/bot.mjs": source }, { spec: "src/bot:default" }))).toBe("ok");
    expect(told(await check({ "bot.mjs": source }, { spec: "bot.mjs:default" }))).toBe("ok");
  });

  test("with a karta of the project's own, whose class is another one", async () => {
    const files = {
      "node_modules/karta/package.json": '{"name":"karta","type":"module","exports":"./own.js"}',
      "node_modules/karta/own.js":
        'export class Karta { [Symbol.for("karta.app")]() { return { handlers: 7, policies: 0, tools: 0 }; } }\n',
      "app.js": APP,
    };
    expect(await check(files)).toMatchObject({ ok: true, features: { handlers: 7 } });
  });

  test("prints and open handles neither reach the answer nor hold the check", async () => {
    const source = `${APP}import { writeSync } from "node:fs";\nconsole.log("{}");\nwriteSync(1, "raw");\nsetInterval(() => {}, 1000);\n`;
    expect(told(await check({ "app.js": source }))).toBe("ok");
  });

  test("it sees its bound names and its own HOME, and none of the daemon's secrets", async () => {
    const home = await folderWith();
    const source = `${APP}const { ORDERS, HOME, ANTHROPIC_API_KEY, NODE_OPTIONS } = process.env;\nif (ORDERS !== "here" || HOME !== ${JSON.stringify(home)} || ANTHROPIC_API_KEY || NODE_OPTIONS) throw new Error("env");\n`;
    const baseEnv = { PATH: process.env.PATH, ANTHROPIC_API_KEY: "sk-1", NODE_OPTIONS: "--no-warnings" };
    expect(told(await check({ "app.js": source }, { home, boundEnv: { ORDERS: "here" }, baseEnv }))).toBe(
      "ok",
    );
  });
});

describe("a Node app that does not load", () => {
  test("no such module", async () => {
    const checked = await check({});
    expect(told(checked)).toBe(
      `there is no module app in ${checked.root} (looked for app.js, app.mjs, app.ts, app.mts, app/index.js)\ncreate the file, or correct entry_point in karta.toml`,
    );
  });

  test.each([
    ["import", 'import "@scope/thing/deep";\n', "@scope/thing"],
    ["require", 'require("left-behind");\n', "left-behind"],
  ])("a package that is not installed (%s)", async (_, source, name) => {
    expect(told(await check({ "app.js": source }))).toBe(
      `app.js imports ${name}, which is not installed\nrun: npm install ${name}`,
    );
  });

  test("a file of the app's own that is missing is not for npm", async () => {
    const files = { "app.js": 'import "./orders.js";\n', "orders.js": 'import "./nowhere.js";\n' };
    expect(told(await check(files))).toBe(
      "orders.js imports ./nowhere.js, which does not exist\ncorrect the import, or create the file it names",
    );
  });

  test("no such attribute: the Karta instances are listed, else a near name, else how to make one", async () => {
    expect(told(await check({ "app.js": `${KARTA}export const bot = new Karta();\n` }))).toBe(
      'app.js has no app\nthe Karta instances of app.js are bot: write entry_point = "app:bot"',
    );
    expect(told(await check({ "app.js": "export const App = 1;\n" }))).toContain("did you mean App?");
    expect(told(await check({ "app.js": "export {};\n" }))).toBe(
      'app.js has no app\nadd to app.js: import { Karta } from "karta"; export const app = new Karta()',
    );
  });

  test("an attribute that is something else", async () => {
    expect(told(await check({ "app.js": "export const app = new Map();\n" }))).toContain(
      "app.js: app is an object of type Map, not a Karta instance",
    );
    expect(told(await check({ "app.js": `${KARTA}export const app = Karta;\n` }))).toBe(
      "app.js: app is the class Karta, not a Karta instance\nmake an instance of it: app = new Karta()",
    );
  });

  test.each([
    [
      "an ES module",
      { "app.js": 'import "./other.js";\n', "other.js": "export const a = 1;\nconst = 2;\n" },
      "other.js:2",
    ],
    [
      "a CommonJS file",
      { "app.js": 'require("./other.cjs");\n', "other.cjs": "\n\nconst = 2;\n" },
      "other.cjs:3",
    ],
  ])("a syntax error in %s has its file and line", async (_, files, where) => {
    expect(told(await check(files))).toBe(`${where}: SyntaxError: Unexpected token '='\ncorrect that line`);
  });

  test("TypeScript that cannot be stripped", async () => {
    expect(told(await check({ "app.ts": "enum A { B }\n" }))).toMatch(
      /^app\.ts:1: SyntaxError: TypeScript enum is not/,
    );
  });

  test("an exception shows its line and where it came from", async () => {
    const source = 'function f() {\n  throw new TypeError("no orders");\n}\nf();\nexport {};\n';
    expect(told(await check({ "app.js": source }))).toMatch(/^TypeError: no orders \(app\.js:2\)\n/);
    expect(told(await check({ "app.js": 'await Promise.reject("why");\n' }))).toMatch(
      /^"why" was thrown \(app\.js\)/,
    );
  });

  test("a bound value never shows in a message", async () => {
    const source = 'throw new Error("bad key " + process.env.API_KEY);\n';
    const checked = await check({ "app.js": source }, { boundEnv: { API_KEY: "sk-very-secret" } });
    expect(told(checked)).toContain("Error: bad key <API_KEY> (app.js:1)");
  });

  test("process.exit() at import", async () => {
    expect(told(await check({ "app.js": "process.exit(3);\n" }))).toBe(
      "app.js ended its process with code 3 while it was imported\nremove the process.exit(), or whatever else ends the process, from what runs at import",
    );
  });

  test("a hang is ended at the deadline; an await that can never settle is told at once", async () => {
    expect(told(await check({ "app.js": "for (;;);\n" }, { timeoutMs: 1000 }))).toContain(
      "app.js was still being imported after 1 seconds",
    );
    expect(told(await check({ "app.mjs": "await new Promise(() => {});\n" }))).toContain(
      "app.mjs awaits something at its top level that never settles",
    );
    expect(spawner.live.size).toBe(0);
  });

  test("a flood of output is stopped", async () => {
    const checked = await check({
      "app.js":
        'import { writeSync } from "node:fs";\nfor (;;) try { writeSync(1, "x".repeat(9999)); } catch {}\n',
    });
    expect(told(checked)).toContain("app.js printed more than 4 MiB while it was imported, and was stopped");
  });
});
