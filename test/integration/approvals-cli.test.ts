/** Approvals by the CLI, through the real kartad and the real Claude Code: a file is written after a yes alone. */
import { existsSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { execa } from "execa";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, frames, openTurn, send, textOf } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { ASKS, WRITES } from "../support/replies.ts";

jest.setTimeout(60_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

${WRITES}

${ASKS}
[default]
text = "ok: {{last_user}}"
`;

let home: TestHome;
let kartad: Kartad;
let folder: string;

beforeAll(async () => {
  home = makeHome();
  folder = home.project("bot", { "CLAUDE.md": "# Bot\n", "offline.toml": SCRIPT });
  kartad = await home.start();
  expect(await home.ask(["project", "add", folder, "bot"])).toMatchObject({ code: 0 });
});
afterAll(() => home.remove());

const written = (name: string): boolean => existsSync(path.join(folder, `${name}.txt`));

test("a turn that came over HTTP goes on after `sessions approve`", async () => {
  const { id } = await createSession(kartad.url, { project: "bot" });
  const reading = frames(await openTurn(kartad.url, id, "write one"));
  for await (const { event } of { [Symbol.asyncIterator]: () => ({ next: () => reading.next() }) }) {
    if (event.type === "input_required") break;
  }
  const approved = await home.karta(["sessions", "approve", id.slice(0, 16)]);
  expect(approved).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^approved once: Write \{.*\nThe tool said: /),
  });
  expect(written("one")).toBe(true);
  expect(textOf(await Array.fromAsync(reading))).toContain("The tool said: ");
  expect(await home.ask(["sessions", "approve", id])).toMatchObject({ code: 5 });
});

test("`sessions deny` tells the agent why; a second answer is refused, and says who gave the first", async () => {
  const { id } = await createSession(kartad.url, { project: "bot" });
  const paused = await send(kartad.url, id, "write two");
  const request = paused.pending_input?.request_id ?? "";
  const denied = await home.karta(["sessions", "deny", id, request, "--message", "Not on a Tuesday."]);
  expect(denied.stdout).toMatch(/^denied: Write [^]*Not on a Tuesday\./);
  expect(written("two")).toBe(false);
  expect(await home.ask(["sessions", "approve", id, request])).toMatchObject({
    code: 5,
    stderr: "error: this was answered already: deny, by client",
  });
});

test("`sessions send --json` waits for the answer and prints the whole turn", async () => {
  const { id } = await createSession(kartad.url, { project: "bot" });
  const karta = path.join(packageRoot(), "cli/bin/karta.js");
  const sending = execa(process.execPath, [karta, "sessions", "send", id, "ask me", "--json"], {
    env: kartad.env,
    extendEnv: false,
    stdin: "ignore",
  });
  // Not execa's own iteration: that one waits for the process's end when it is left.
  const lines = createInterface({ input: sending.stderr });
  const told = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      if (line.includes(`karta sessions approve ${id} req_`)) resolve();
    });
  });
  await told;
  const answered = await home.ask(["sessions", "approve", id, "--answer", "Which roast?=Midnight"]);
  expect(answered).toMatchObject({ code: 0, stdout: expect.stringContaining("→ Midnight") });
  const { stdout } = await sending;
  expect(JSON.parse(stdout)).toMatchObject({
    status: "completed",
    text: expect.stringContaining("Midnight"),
    messages: [{ role: "user", text: "ask me" }, { role: "assistant" }],
  });
});
