/** Cancel over HTTP, through the real Claude Code: in a tool, of a turn that waits, a second time; nothing keeps running. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { createSession, request, send, storedEvents } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { liveTurn } from "../support/live-turn.ts";
import { eventually, processesWith } from "../support/processes.ts";

jest.setTimeout(60_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

[[reply]]
when = "slowly"
text = "${"and so on ".repeat(30)}"
tokens_per_second = 4

[[reply]]
when = "run (?<how>\\\\w+)"
text = "The tool said: {{tool_result}}"
tool = { name = "Bash", input = { command = "trap '' INT; tail -f /dev/null --pid=$$ $<how>; true", description = "waits" } }

[default]
text = "ok: {{last_user}}"
`;

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  const folder = home.project("bot", { "CLAUDE.md": "# Bot\n", "offline.toml": SCRIPT });
  kartad = await home.start();
  await home.operator.addProject(folder, "bot");
});
afterAll(() => home.remove());

const cancel = (id: string, body?: object) => request(kartad.url, "POST", `/v1/sessions/${id}/cancel`, body);

/** The command that the tool runs, as a process of this machine. */
const toolRuns = (): boolean =>
  processesWith(home.folder).some(({ command }) => command.startsWith("tail -f /dev/null"));

const turn = (id: string, text: string) => liveTurn(kartad.url, id, text);

/** Each turn of the session must have had exactly one end; says which. */
async function ends(id: string): Promise<string[]> {
  const events = await storedEvents(kartad.url, id);
  const terminal = events.flatMap((event) =>
    event.type === "done" || event.type === "error" ? [event] : [],
  );
  expect(terminal.map(({ turn_id }) => turn_id).sort()).toEqual(
    [...new Set(events.map(({ turn_id }) => turn_id))].sort(),
  );
  return terminal.map(({ type, data }) => (type === "done" ? data.status : data.code));
}

test("in a tool that was approved: the turn ends, the tool's process is gone, the session goes on", async () => {
  const { id } = await createSession(kartad.url);
  const running = await turn(id, "run approved");
  const asked = await running.until("input_required");
  const answered = request(kartad.url, "PUT", `/v1/sessions/${id}/inputs/${asked.data.request_id}`, {
    decision: "approve_once",
  });
  await eventually(toolRuns, "the tool runs");
  expect(await cancel(id)).toMatchObject({ status: 202, body: { turn_id: running.id } });
  expect((await running.until("done")).data.status).toBe("cancelled");
  expect((await answered).status).toBe(200);
  await eventually(() => !toolRuns(), "the tool's process is gone");
  expect((await send(kartad.url, id, "still there?")).text).toBe("ok: still there?");
  expect(await ends(id)).toEqual(["cancelled", "completed"]);
});

test("in a tool of an autonomous session, twice: it ends once", async () => {
  const { id } = await createSession(kartad.url, { permission_mode: "autonomous" });
  const running = await turn(id, "run freely");
  await eventually(toolRuns, "the tool runs");
  const answers = await Promise.all([cancel(id), cancel(id, { turn_id: running.id })]);
  const statuses = answers.map(({ status }) => status).sort();
  expect([
    [202, 202],
    [202, 409], // it had ended by then
  ]).toContainEqual(statuses);
  expect((await running.until("done")).data.status).toBe("cancelled");
  expect(await cancel(id)).toMatchObject({ status: 409, body: { error: "no_turn_running" } });
  expect(await cancel(id, { turn_id: running.id })).toMatchObject({
    status: 409,
    body: { error: "no_turn_running" },
  });
  await eventually(() => !toolRuns(), "the tool's process is gone");
  expect((await send(kartad.url, id, "still there?")).text).toBe("ok: still there?");
  expect(await ends(id)).toEqual(["cancelled", "completed"]);
});

test("of a turn that waits: it ends at once and its agent never hears it; the others run in order", async () => {
  const { id } = await createSession(kartad.url);
  const first = await turn(id, "Count slowly.");
  const second = await turn(id, "withdrawn");
  const third = await turn(id, "third");
  const byCli = await turn(id, "withdrawn by the CLI");
  await first.until("text");

  expect(await cancel(id, { turn_id: second.id })).toMatchObject({
    status: 202,
    body: { turn_id: second.id },
  });
  expect((await second.rest()).map(({ event }) => event)).toMatchObject([
    { type: "done", data: { status: "cancelled", message: { text: "" } } },
  ]);
  expect(await home.karta(["sessions", "cancel", id, byCli.id])).toMatchObject({
    code: 0,
    stdout: `${byCli.id} is being cancelled`,
  });
  const { body } = await request(kartad.url, "GET", `/v1/sessions/${id}`);
  expect(body.turn).toMatchObject({ id: first.id, state: "running" });

  expect(await cancel(id)).toMatchObject({ status: 202, body: { turn_id: first.id } });
  expect((await first.until("done")).data.status).toBe("cancelled");
  expect((await third.until("done")).data).toMatchObject({
    status: "completed",
    message: { text: "ok: third" },
  });
  expect((await byCli.until("done")).data.status).toBe("cancelled");
  const history = await request(kartad.url, "GET", `/v1/sessions/${id}/messages`);
  expect(JSON.stringify(history.body.data)).not.toContain("withdrawn");
  expect((await ends(id)).sort()).toEqual(["cancelled", "cancelled", "cancelled", "completed"]);
  expect((await home.ask(["sessions", "cancel", id, byCli.id])).code).toBe(5);
});

test("of a turn that never was, or of another session's, is 404", async () => {
  const [one, other] = [await createSession(kartad.url), await createSession(kartad.url)];
  const { turn_id } = await send(kartad.url, other.id, "hello");
  for (const strange of [turn_id, "turn_000000000000000000000000", "nonsense"]) {
    expect(await cancel(one.id, { turn_id: strange })).toMatchObject({
      status: 404,
      body: { error: "not_found" },
    });
  }
  expect(await cancel(one.id, { turn: turn_id })).toMatchObject({ status: 422 });
});
