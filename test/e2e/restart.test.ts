/** The daemon's life as its operator has it: `karta start`, `karta restart`, a stop that waits and one that does not. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { z } from "zod";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { createSession, frames, openTurn } from "../support/api.ts";
import { makeHome, type TestHome } from "../support/kartad.ts";
import { eventually, processesWith } from "../support/processes.ts";

jest.setTimeout(60_000);

let home: TestHome;
let folder: string;
beforeAll(() => {
  home = makeHome();
  folder = home.project("bot", {
    "CLAUDE.md": "# Bot",
    "offline.toml": `tokens_per_second = 0\n[[reply]]\nwhen = "slowly"\ntext = "one two three four five six seven eight"\ntokens_per_second = 4\n[[reply]]\nwhen = "first"\ntext = "You first said: {{first_user}}"\n[default]\ntext = "ok"\n`,
  });
});
afterAll(() => home.remove());

async function karta(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await home.karta([...args, "--json"]);
  if (code !== 0) throw new Error(`karta ${args.join(" ")} exited ${code}: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}

test("a conversation goes on over `karta restart`", async () => {
  await karta("start", "--offline", "--port", "0");
  await karta("project", "add", folder, "bot");
  const { url } = z.object({ url: z.string() }).parse(await karta("status"));
  const { id } = await createSession(url);
  await karta("sessions", "send", id, "My favourite is Midnight.");
  await karta("restart");
  expect(await karta("sessions", "send", id, "What did I say first?")).toMatchObject({
    text: "You first said: My favourite is Midnight.",
  });
  await karta("stop");
  expect(processesWith(home.folder)).toEqual([]);
});

test("the first signal lets the running turn finish; the second quits at once, and no process stays", async () => {
  const patient = await home.start();
  const whole = frames(await openTurn(patient.url, (await createSession(patient.url)).id, "Count slowly."));
  await whole.next();
  const stopped = patient.stop();
  const last = (await Array.fromAsync(whole)).at(-1)?.event;
  expect(last).toMatchObject({ type: "done", data: { status: "completed" } });
  expect(await stopped).toMatchObject({ code: 0 });

  const hasty = await home.start();
  const cut = frames(await openTurn(hasty.url, (await createSession(hasty.url)).id, "Count slowly."));
  await cut.next();
  process.kill(hasty.pid, "SIGTERM");
  await eventually(() => hasty.log().includes("again to quit at once"), "the first signal was seen");
  process.kill(hasty.pid, "SIGTERM");
  expect(await hasty.exited).toMatchObject({ code: DAEMON_EXIT.forced });
  await eventually(() => processesWith(home.folder).length === 0, "no process is left");
});
