/** `karta sessions tail` on a real kartad that is killed and started again in mid-turn. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { SessionEventSchema, isTerminal } from "../../shared/events.ts";
import { createSession, frames, openTurn, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { packageUnderTest, Running } from "./cli-runner.ts";
import { spawn } from "node:child_process";
import path from "node:path";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  const words = Array.from({ length: 200 }, (_, index) => `word${index + 1}`).join(" ");
  const folder = home.project("bot", {
    "CLAUDE.md": "# Bot",
    "offline.toml": `first_token_ms = 0\ntokens_per_second = 0\n[[reply]]\nwhen = "on and on"\ntext = "${words}"\ntokens_per_second = 20\n[default]\ntext = "ok"\n`,
  });
  kartad = await home.start();
  expect(await home.karta(["project", "add", folder, "bot"])).toMatchObject({ code: 0 });
});
afterAll(() => home.remove());

test("shows every event once and in order, over a kill -9 in the middle of a turn", async () => {
  const { id } = await createSession(kartad.url);
  const karta = path.join(packageUnderTest, "cli/bin/karta.js");
  const tailing = new Running(
    spawn(process.execPath, [karta, "sessions", "tail", id, "--since", "0", "--json", "--include-system"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: kartad.env,
    }),
  );
  void openTurn(kartad.url, id, "on and on")
    .then((response) => Array.fromAsync(frames(response)))
    .catch(() => undefined);
  await tailing.until("stdout", /"text":"[^"]*word3/);
  await kartad.kill();
  kartad = await home.start();
  await tailing.until("stdout", /daemon_restarted/);
  expect(await send(kartad.url, id, "again")).toMatchObject({ text: "ok" });
  await tailing.until("stdout", /"type":"done"/);
  tailing.child.kill("SIGINT");
  const { code, stdout, stderr } = await tailing.ended();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "kartad went away; waiting\nkartad is back\n" });
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => SessionEventSchema.parse(JSON.parse(line)));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(isTerminal).map(({ type }) => type)).toEqual(["error", "done"]);
  const stored = await home.karta(["sessions", "tail", id, "--no-follow", "--json", "--include-system"]);
  expect(stored.stdout.trimEnd()).toBe(stdout.trimEnd());
});
