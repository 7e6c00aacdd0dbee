/**
 * One API over many harnesses: the same behaviours, over HTTP on a real kartad, against the real Claude Code, the real
 * OpenCode and a small agent on the protocol's own SDK. Prints one table, harness × behaviour.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { MessagePageSchema } from "../../shared/protocol/messages.ts";
import {
  createSession,
  frames,
  openTurn,
  request,
  send,
  stream,
  textOf,
  type Received,
} from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, processesWith } from "../support/processes.ts";
import { ConformanceTable, ROWS, scriptOf, type Behaviour, type HarnessRow } from "./support/conformance.ts";

jest.setTimeout(90_000);

const rows = ROWS.filter(({ missing }) => missing === null);
const table = new ConformanceTable();
let home: TestHome;
let kartad: Kartad;
const folders = new Map<string, string>();
/** A session of each harness that has said something, for what comes later. */
const spoken = new Map<string, string>();

const projectOf = ({ name }: HarnessRow): string => name.replaceAll(" ", "-");
const folderOf = (row: HarnessRow): string => folders.get(row.name) ?? "";
const newSession = async (row: HarnessRow): Promise<string> =>
  (await createSession(kartad.url, { project: projectOf(row) })).id;

beforeAll(async () => {
  home = makeHome();
  kartad = await home.start();
  for (const row of rows) {
    const folder = home.project(projectOf(row), { ...row.files, "offline.toml": scriptOf(row) });
    folders.set(row.name, folder);
    await home.operator.addProject(folder, projectOf(row));
  }
});
afterAll(async () => {
  process.stdout.write(`\n${table.toString()}\n\n`);
  await home.remove();
});

/** A test of one behaviour for each harness; all harnesses at once, since most of it is waiting. */
function behaviour(name: Behaviour, holds: (row: HarnessRow) => Promise<void>): void {
  describe(name, () => {
    const runs = new Map<string, Promise<unknown>>();
    beforeAll(() => {
      for (const row of rows) {
        const run = holds(row);
        run.catch(() => undefined); // its test says so, when its turn comes
        runs.set(row.name, run);
      }
    });
    for (const row of rows)
      test(row.name, async () => {
        table.record(row, name, "FAILS");
        await runs.get(row.name);
        table.record(row, name, "ok");
      });
  });
}

/** Reads a turn up to its first event of a type; `rest` reads what comes after. */
async function until(type: string, id: string, text: string) {
  const reading = frames(await openTurn(kartad.url, id, text));
  for (;;) {
    const next = await reading.next();
    if (next.done === true) throw new Error(`the turn ended without ${type}`);
    if (next.value.event.type !== type) continue;
    return { event: next.value.event, rest: (): Promise<Received[]> => Array.fromAsync(reading) };
  }
}

async function answerPermission(row: HarnessRow, file: string, decision: "approve_once" | "deny") {
  const id = await newSession(row);
  const { event, rest } = await until("input_required", id, `write ${file}`);
  if (event.type !== "input_required") throw new Error("not reached");
  expect(event.data).toMatchObject({
    kind: "tool_use",
    tool: row.writes.tool,
    tool_input: { content: "a note" },
  });
  expect(existsSync(path.join(folderOf(row), `${file}.txt`))).toBe(false);
  const place = `/v1/sessions/${id}/inputs/${event.data.request_id}`;
  expect(await request(kartad.url, "PUT", place, { decision })).toMatchObject({ status: 200 });
  return rest();
}

behaviour("stream", async (row) => {
  const id = await newSession(row);
  const { rest } = await until("text", id, "count");
  // Its first word is here while it still speaks.
  expect(await request(kartad.url, "GET", `/v1/sessions/${id}`)).toMatchObject({
    body: { turn: { state: "running" } },
  });
  const later = await rest();
  expect(later.filter(({ event }) => event.type === "text").length).toBeGreaterThanOrEqual(5);
  expect(later.at(-1)?.event).toMatchObject({
    type: "done",
    data: { status: "completed", message: { text: "one two three four five six seven eight" } },
  });
});

behaviour("context", async (row) => {
  const id = await newSession(row);
  const first = await send(kartad.url, id, "My favourite is Midnight.");
  expect(first).toMatchObject({ status: "completed", text: "ok: My favourite is Midnight." });
  expect(first.usage.output_tokens).toBeGreaterThan(0);
  expect((await send(kartad.url, id, "What did I say first?")).text).toBe(
    "You first said: My favourite is Midnight.",
  );
  spoken.set(row.name, id);
});

behaviour("history", async (row) => {
  const { status, body } = await request(
    kartad.url,
    "GET",
    `/v1/sessions/${spoken.get(row.name) ?? ""}/messages`,
  );
  expect(status).toBe(200);
  const { data, unavailable } = MessagePageSchema.parse(body);
  expect(unavailable).toBeUndefined();
  expect(data.map(({ role, text }) => [role, text])).toEqual([
    ["user", "My favourite is Midnight."],
    ["assistant", "ok: My favourite is Midnight."],
    ["user", "What did I say first?"],
    ["assistant", "You first said: My favourite is Midnight."],
  ]);
});

behaviour("approval", async (row) => {
  const later = await answerPermission(row, "approved", "approve_once");
  expect(existsSync(path.join(folderOf(row), "approved.txt"))).toBe(true);
  expect(later.map(({ event }) => event.type)).toEqual(
    expect.arrayContaining(["input_resolved", "tool_result", "text", "done"]),
  );
  expect(later.at(-1)?.event).toMatchObject({ type: "done", data: { status: "completed" } });
});

behaviour("denial", async (row) => {
  const later = await answerPermission(row, "denied", "deny");
  expect(later.find(({ event }) => event.type === "tool_result")?.event).toMatchObject({
    data: { is_error: true },
  });
  expect(later.at(-1)?.event).toMatchObject({ type: "done", data: { status: "completed" } });
  expect(existsSync(path.join(folderOf(row), "denied.txt"))).toBe(false);
});

behaviour("cancel", async (row) => {
  const id = await newSession(row);
  const { rest } = await until("text", id, "Count slowly.");
  expect((await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`)).status).toBe(202);
  const later = await rest();
  expect(later.at(-1)?.event).toMatchObject({ type: "done", data: { status: "cancelled" } });
  expect(textOf(later)).not.toContain("twelve");
  expect((await send(kartad.url, id, "still there?")).text).toBe("ok: still there?");
});

behaviour("crash", async (row) => {
  const id = await newSession(row);
  await send(kartad.url, id, "Before the crash.");
  const { rest } = await until("text", id, "Count slowly.");
  const status = await home.operator.status();
  const pid = status.processes.find(({ session_id }) => session_id === id)?.pid ?? null;
  if (pid === null) throw new Error("the session has no process");
  process.kill(pid, "SIGKILL");
  expect((await rest()).at(-1)?.event).toMatchObject({
    type: "error",
    data: { code: "harness_crashed", retryable: true },
  });
  expect((await send(kartad.url, id, "What did I say first?")).text).toBe(
    "You first said: Before the crash.",
  );
});

describe("after a restart of kartad", () => {
  beforeAll(async () => {
    await kartad.stop();
    expect(processesWith(home.folder)).toEqual([]);
    kartad = await home.start();
  });

  behaviour("resume", async (row) => {
    const received = await stream(kartad.url, spoken.get(row.name) ?? "", "What did I say first?");
    // The old words were not said again, whatever the harness tells of them.
    expect(textOf(received)).toBe("You first said: My favourite is Midnight.");
  });
});

behaviour("bad launch", async (row) => {
  const id = await newSession(row);
  // The folder is read anew, so that no process which is there already will do.
  await home.operator.addProject(folderOf(row), projectOf(row));
  const mend = row.badLaunch.inflict(folderOf(row));
  const refused = await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text: "hello" });
  expect(refused).toMatchObject({ status: 503, body: { error: "harness_unavailable" } });
  expect(String(refused.body.detail)).toMatch(row.badLaunch.words);
  mend();
  expect((await send(kartad.url, id, "hello")).text).toBe("ok: hello");
});

test("no process outlives kartad", async () => {
  await kartad.kill();
  await eventually(
    () => processesWith(home.folder).length === 0,
    "every process of the killed kartad is gone",
  );
});
