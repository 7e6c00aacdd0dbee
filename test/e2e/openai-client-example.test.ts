/** examples/openai-client as docs/clients.md prints it, with its own shell lines, against the tutorial's bot. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import path from "node:path";
import { execa, execaSync } from "execa";
import { packageRoot } from "../../shared/paths.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

jest.setTimeout(60_000);

const root = packageRoot();
const page = readFileSync(path.join(root, "docs/clients.md"), "utf8");
const EXAMPLES = ["examples/openai-client/chat.mjs", "examples/openai-client/chat.py"] as const;

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await home.start();
  const app = path.join(root, "examples/support-bot-demo/app");
  expect(await home.ask(["project", "add", app, "support-bot"])).toMatchObject({ code: 0 });
});
afterAll(() => home.remove());

/** Runs one of the page's lines, with kartad where it is in this test. @returns what it printed */
async function run(program: string): Promise<string> {
  const line = page.split("\n").find((one) => one.endsWith(program));
  const command = line?.split("&& ").at(-1) ?? "";
  const { stdout } = await execa(command, {
    shell: true,
    cwd: root,
    preferLocal: true,
    env: { OPENAI_BASE_URL: `${kartad.url}/v1`, OPENAI_API_KEY: "none" },
  });
  return stdout;
}

function expectConversation(said: string): void {
  expect(said).toContain("You:   Do you ship free?\nBeans: Orders over $35 ship free");
  expect(said).toContain("You first said: “Hi! What roasts do you have?”");
}

test("the page prints them as they are", () => {
  for (const file of EXAMPLES)
    expect(page).toContain(`\n${readFileSync(path.join(root, file), "utf8")}\`\`\`\n`);
});

test("in Node", async () => {
  expectConversation(await run(EXAMPLES[0]));
});

const python = execaSync("python3", ["-c", "import openai"], { reject: false });
const hasPackage = !python.failed;
if (!hasPackage)
  process.stderr.write(
    "examples/openai-client/chat.py is not tried: this machine's python3 has no package openai\n",
  );

(hasPackage ? test : test.skip)("in Python", async () => {
  expectConversation(await run(EXAMPLES[1]));
});
