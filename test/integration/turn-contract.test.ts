/** What the spec's message tables promise and no other test asks of a real kartad: each row over HTTP. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { EventPageSchema, TurnResultSchema } from "../../shared/protocol/sessions.ts";
import { createSession, frames, request, send, storedEvents, stream } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { liveTurn } from "../support/live-turn.ts";

jest.setTimeout(60_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "slowly"
text = "one two three four five six seven eight nine ten eleven twelve"
tokens_per_second = 2
[[reply]]
when = "break off"
text = "I was about to say more"
cut_after_tokens = 3
tokens_per_second = 10
[[reply]]
when = "read it"
tool = { name = "Read", input = { file_path = "long.txt" } }
text = "Read."
[default]
text = "ok: {{last_user}}"
`;
const NO_SPARES = "[pool]\nspares = 0\n";

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await home.start();
});
afterAll(() => home.remove());

const post = (id: string, body: object) => request(kartad.url, "POST", `/v1/sessions/${id}/messages`, body);

test("with no project there is no session, and the answer says so", async () => {
  expect(await request(kartad.url, "POST", "/v1/sessions", {})).toMatchObject({
    status: 409,
    body: { error: "no_project" },
  });
});

describe("a turn", () => {
  let folder: string;
  beforeAll(async () => {
    folder = home.project("bot", { "CLAUDE.md": "# Bot", "offline.toml": SCRIPT, "karta.toml": NO_SPARES });
    // 60 KiB in lines that Claude Code reads whole; é is two bytes, so that the cut may fall into one.
    writeFileSync(path.join(folder, "long.txt"), `${"é".repeat(500)}\n`.repeat(60));
    const hasty = home.project("hasty", {
      "CLAUDE.md": "# Bot",
      "offline.toml": SCRIPT,
      "karta.toml": `${NO_SPARES}[runtime]\nturn_timeout_seconds = 2\n`,
    });
    for (const [dir, name] of [
      [folder, "bot"],
      [hasty, "hasty"],
    ] as const)
      await home.operator.addProject(dir, name);
  });

  test("shows its model calls as steps, and harness internals to those who ask", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const shown = (await stream(kartad.url, id, "hello")).map(({ event }) => event);
    const steps = shown.filter(({ type }) => type.startsWith("step_"));
    expect(steps).toMatchObject([
      { type: "step_start", data: { step_index: 0, description: "model call" } },
      { type: "step_finish", data: { step_index: 0, result: "end_turn" } },
    ]);
    expect((await storedEvents(kartad.url, id)).map(({ type }) => type)).not.toContain("system");
    const all = await request(
      kartad.url,
      "GET",
      `/v1/sessions/${id}/events?follow=false&limit=1000&include=system`,
    );
    const seqs = EventPageSchema.parse(all.body).data.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1)); // nothing is left out
  });

  test("has long results of tools cut at 32 KiB, between characters", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const result = await (await liveTurn(kartad.url, id, "read it")).until("tool_result");
    expect(result.data).toMatchObject({ truncated: true, is_error: false });
    expect(Buffer.byteLength(result.data.content)).toBeLessThanOrEqual(32 * 1024);
    expect(Buffer.byteLength(result.data.content)).toBeGreaterThan(32 * 1024 - 4);
    expect(result.data.content).not.toContain("\ufffd");
  });

  test("of a unary call that is cancelled answers 200 with what was said", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const watching = frames(await fetch(`${kartad.url}/v1/sessions/${id}/events`));
    const answer = post(id, { text: "Count slowly." });
    for await (const { event } of watching) if (event.type === "text") break;
    await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`);
    const { status, body } = await answer;
    expect(status).toBe(200);
    const result = TurnResultSchema.parse(body);
    expect(result.status).toBe("cancelled");
    expect(result.text).toMatch(/^one/);
    expect(result.usage.total_tokens).toBe(result.usage.input_tokens + result.usage.output_tokens);
  });

  test("that breaks off after its first words is 502 with those words; on the feed an error ends it", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const { status, body } = await post(id, { text: "break off" });
    expect({ status, ...body }).toMatchObject({ status: 502, error: "model_error" });
    expect(String(body.text)).toMatch(/^I was about/);
    const last = (await storedEvents(kartad.url, id)).at(-1);
    expect(last).toMatchObject({ type: "error", data: { code: "model_error" } });
    expect((await send(kartad.url, id, "still there?")).text).toBe("ok: still there?");
  });

  test("past turn_timeout_seconds ends as harness_timeout, and the session goes on", async () => {
    const { id } = await createSession(kartad.url, { project: "hasty" });
    const last = (await stream(kartad.url, id, "Count slowly.")).at(-1)?.event;
    expect(last).toMatchObject({ type: "error", data: { code: "harness_timeout", retryable: true } });
    expect((await send(kartad.url, id, "still there?")).text).toBe("ok: still there?");
  });

  test("whose agent is killed ends as harness_crashed, and the next finds the conversation as it was", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    await send(kartad.url, id, "hello");
    const running = await liveTurn(kartad.url, id, "Count slowly.");
    await running.until("text");
    const { processes } = await home.operator.status();
    const pid = processes.find(({ session_id }) => session_id === id)?.pid ?? 0;
    expect(pid).toBeGreaterThan(0);
    process.kill(pid, "SIGKILL");
    const error = await running.until("error");
    expect(error.data).toMatchObject({ code: "harness_crashed", retryable: true });
    expect((await send(kartad.url, id, "still there?")).text).toBe("ok: still there?");
    const { body } = await request(kartad.url, "GET", `/v1/sessions/${id}/messages?limit=1`);
    expect(body.data).toMatchObject([{ text: "hello" }]);
  });

  test("behind sixteen others is refused with a time to come back; those in the queue run", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const running = await liveTurn(kartad.url, id, "Count slowly.");
    const waiting = await Promise.all(
      Array.from({ length: 16 }, (_, index) => liveTurn(kartad.url, id, `number ${index}`)),
    );
    const refused = await post(id, { text: "one too many" });
    expect(refused).toMatchObject({ status: 429, body: { error: "queue_full" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`);
    await running.until("done");
    for (const turn of waiting) expect((await turn.until("done")).data.status).toBe("completed");
  });
});
