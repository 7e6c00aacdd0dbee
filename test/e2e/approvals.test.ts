/** Approvals and questions over HTTP, through the real Claude Code: a file is really written after a yes, and not after a no. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { createSession, frames, openTurn, request, send, textOf, type Received } from "../support/api.ts";
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
  const hasty = home.project("hasty", {
    "CLAUDE.md": "# Bot\n",
    "offline.toml": SCRIPT,
    "karta.toml": "[runtime]\napproval_timeout_seconds = 1\n[pool]\nspares = 0\n",
  });
  const free = home.project("free", {
    "CLAUDE.md": "# Bot\n",
    "offline.toml": SCRIPT,
    "karta.toml": '[runtime]\npermission_mode = "autonomous"\n[pool]\nspares = 0\n',
  });
  kartad = await home.start();
  for (const [dir, name] of [
    [folder, "bot"],
    [hasty, "hasty"],
    [free, "free"],
  ] as const) {
    await home.operator.addProject(dir, name);
  }
});
afterAll(() => home.remove());
beforeEach(() => {
  for (const name of ["one", "two"]) rmSync(path.join(folder, `${name}.txt`), { force: true });
});

const written = (name: string): boolean => existsSync(path.join(folder, `${name}.txt`));
const newSession = async (more: object = {}) =>
  (await createSession(kartad.url, { project: "bot", ...more })).id;

function answer(sessionId: string, requestId: string, body: object) {
  return request(kartad.url, "PUT", `/v1/sessions/${sessionId}/inputs/${requestId}`, body);
}

/** Reads a turn's stream up to its first pause; `rest` reads what comes after. */
async function untilPaused(sessionId: string, text: string) {
  const reading = frames(await openTurn(kartad.url, sessionId, text));
  for (;;) {
    const next = await reading.next();
    if (next.done === true) throw new Error("the turn ended without asking");
    if (next.value.event.type !== "input_required") continue;
    const rest = async (): Promise<Received[]> => Array.fromAsync(reading);
    return { input: next.value.event.data, rest };
  }
}

describe("an approval", () => {
  test("given once: the tool runs, and both the answer and the open stream tell how the turn goes on", async () => {
    const id = await newSession();
    const { input, rest } = await untilPaused(id, "write one");
    expect(input).toMatchObject({ kind: "tool_use", tool: "Write", tool_input: { content: "a note" } });
    expect(written("one")).toBe(false);
    const session = await request(kartad.url, "GET", `/v1/sessions/${id}`);
    expect(session.body).toMatchObject({
      turn: { state: "awaiting_input" },
      pending_input: { request_id: input.request_id },
    });

    const answered = await answer(id, input.request_id, { decision: "approve_once" });
    expect(answered).toMatchObject({ status: 200, body: { session: { pending_input: null, turn: null } } });
    expect(written("one")).toBe(true);
    const events = answered.body.events;
    expect(Array.isArray(events) ? events.at(-1) : null).toMatchObject({ type: "done" });
    const later = await rest();
    expect(later[0]?.event).toMatchObject({
      type: "input_resolved",
      data: { decision: "approve_once", by: "client" },
    });
    expect(later.at(-1)?.event).toMatchObject({ type: "done", data: { status: "completed" } });

    expect(await answer(id, input.request_id, { decision: "deny" })).toMatchObject({
      status: 409,
      body: { error: "input_already_resolved", decision: "approve_once" },
    });
    expect(await answer(id, "req_000000000000000000000000", { decision: "deny" })).toMatchObject({
      status: 404,
    });
  });

  test("denied: nothing is written, and the agent hears the reason", async () => {
    const id = await newSession();
    const { input, rest } = await untilPaused(id, "write one");
    await answer(id, input.request_id, { decision: "deny", message: "Not on a Tuesday." });
    expect(textOf(await rest())).toContain("Not on a Tuesday.");
    expect(written("one")).toBe(false);
  });

  test("of a unary turn: 200 with input_required; the continuation comes as a stream if asked for", async () => {
    const id = await newSession();
    const paused = await send(kartad.url, id, "write one");
    expect(paused).toMatchObject({ status: "input_required", pending_input: { tool: "Write" } });
    const response = await fetch(
      `${kartad.url}/v1/sessions/${id}/inputs/${paused.pending_input?.request_id ?? ""}`,
      {
        method: "PUT",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ decision: "approve_once", stream: true }),
      },
    );
    const events = await Array.fromAsync(frames(response));
    expect(events.at(-1)?.event).toMatchObject({ type: "done" });
    expect(written("one")).toBe(true);
  });

  test("for the session: the next one like it is not asked for", async () => {
    const id = await newSession();
    const { input, rest } = await untilPaused(id, "write one");
    await answer(id, input.request_id, { decision: "approve_session" });
    await rest();
    expect(await send(kartad.url, id, "write two")).toMatchObject({ status: "completed" });
    expect(written("two")).toBe(true);
  });

  test("that nobody gives in time is denied, and the turn goes on", async () => {
    const id = await newSession({ project: "hasty" });
    const { rest } = await untilPaused(id, "write one");
    const later = await rest();
    expect(later[0]?.event).toMatchObject({
      type: "input_resolved",
      data: { decision: "deny", by: "deadline" },
    });
    expect(textOf(later)).toContain("Nobody answered in time");
    expect(later.at(-1)?.event).toMatchObject({ type: "done", data: { status: "completed" } });
  });

  test("that waits when its turn is cancelled is withdrawn; the session goes on", async () => {
    const id = await newSession();
    const { input, rest } = await untilPaused(id, "write one");
    expect((await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`)).status).toBe(202);
    const later = await rest();
    expect(later[0]?.event).toMatchObject({
      type: "input_resolved",
      data: { decision: "deny", by: "cancelled" },
    });
    expect(later.at(-1)?.event).toMatchObject({ type: "done", data: { status: "cancelled" } });
    expect(await answer(id, input.request_id, { decision: "approve_once" })).toMatchObject({ status: 409 });
    expect(written("one")).toBe(false);
    expect((await send(kartad.url, id, "still there?")).text).toBe("ok: still there?");
  });

  test("that waited when kartad died: the late yes is told plainly, and acts on nothing", async () => {
    const id = await newSession();
    const { input } = await untilPaused(id, "write one");
    await kartad.kill();
    kartad = await home.start();
    expect(await answer(id, input.request_id, { decision: "approve_once" })).toMatchObject({
      status: 409,
      body: { error: "input_already_resolved", by: "daemon_restarted" },
    });
    expect(written("one")).toBe(false);
    const session = await request(kartad.url, "GET", `/v1/sessions/${id}`);
    expect(session.body).toMatchObject({ turn: null, pending_input: null });
    expect((await send(kartad.url, id, "and now?")).text).toBe("ok: and now?");
  });
});

describe("the permission mode", () => {
  const patch = (id: string, permission_mode: string) =>
    request(kartad.url, "PATCH", `/v1/sessions/${id}`, { permission_mode });

  test("changes in the middle of a session: nothing is asked while it is autonomous", async () => {
    const id = await newSession();
    expect(await send(kartad.url, id, "write one")).toMatchObject({ status: "input_required" });
    // What was asked stays people's to answer; the mode is for what comes next.
    expect(await patch(id, "autonomous")).toMatchObject({
      status: 200,
      body: { permission_mode: "autonomous", turn: { state: "awaiting_input" } },
    });
    expect(written("one")).toBe(false);
    await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`);

    expect(await send(kartad.url, id, "write two")).toMatchObject({ status: "completed" });
    expect(written("two")).toBe(true);
    expect(await patch(id, "interactive")).toMatchObject({ status: 200 });
    expect(await send(kartad.url, id, "write one")).toMatchObject({ status: "input_required" });
    await request(kartad.url, "DELETE", `/v1/sessions/${id}`);
    expect(written("one")).toBe(false);
  });

  test("of a project is its sessions', unless one is made with its own", async () => {
    const project = path.join(home.folder, "free");
    const { id, permission_mode } = await createSession(kartad.url, { project: "free" });
    expect(permission_mode).toBe("autonomous");
    expect(await send(kartad.url, id, "write one")).toMatchObject({ status: "completed" });
    expect(existsSync(path.join(project, "one.txt"))).toBe(true);

    const asking = await newSession({ project: "free", permission_mode: "interactive" });
    expect(await send(kartad.url, asking, "write two")).toMatchObject({ status: "input_required" });
    expect(existsSync(path.join(project, "two.txt"))).toBe(false);
  });
});

test("a session whose turn waits for an answer is watched: the approval and its end are on the feed", async () => {
  const id = await newSession();
  const watching = frames(await fetch(`${kartad.url}/v1/sessions/${id}/events?after=0`));
  const { input, rest } = await untilPaused(id, "write one");
  await answer(id, input.request_id, { decision: "deny" });
  await rest();
  const seen: string[] = [];
  for await (const { event } of watching) {
    seen.push(event.type);
    if (event.type === "done") break;
  }
  expect(seen[0]).toBe("message");
  expect(seen.filter((type) => type.startsWith("input_"))).toEqual(["input_required", "input_resolved"]);
});

test("a question is answered, and the agent goes on with the answer", async () => {
  const id = await newSession();
  const { input, rest } = await untilPaused(id, "ask me");
  expect(input).toMatchObject({
    kind: "question",
    message: "Which roast?",
    options: ["Sunrise", "Midnight"],
  });
  await answer(id, input.request_id, { decision: "approve_once", answers: { "Which roast?": "Midnight" } });
  expect(textOf(await rest())).toContain("Midnight");
});
