import { describe, expect, jest, test } from "@jest/globals";
import { TurnClock } from "../../../daemon/sessions/turn-clock.ts";
import type { ScriptedTurn } from "../../fixtures/scripted-harness.ts";
import { EVERYWHERE, mayWrite, sessionBench } from "../../support/sessions.ts";
import { storeBench } from "../../support/store.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const store = await storeBench();
const spawner = spawnerForTests();
const bench = () => sessionBench(store, spawner);

describe("a store that fails", () => {
  test("for a message keeps its new participant out, and for the participant keeps the message out", async () => {
    const { create, send, ask, sessions, events } = bench();
    const id = await create();
    const participants = async () => (await sessions.get(EVERYWHERE, id)).participants;
    for (const kind of ["INSERT ON events", "INSERT ON participants"] as const) {
      store.breakWrites(kind);
      await expect(send(id, "hello", { participant_name: "ada" })).rejects.toMatchObject({
        code: "storage_unavailable",
      });
      store.mendWrites();
      expect(await events(id)).toEqual([]);
      expect(await participants()).toEqual([]);
    }
    await ask(id, "hello", { participant_name: "ada" });
    expect(await participants()).toEqual([{ name: "ada", type: "human", display_name: null }]);
  });

  test("for new participants leaves their places free", async () => {
    const { create, send, harness } = bench();
    const id = await create();
    harness.script = () => undefined; // the session stays in memory
    await send(id, "runs");
    const running = await harness.nextTurn();
    store.breakWrites("INSERT ON participants");
    for (let place = 0; place <= 100; place += 1) {
      const sending = send(id, "hello", { participant_name: `p${place}` });
      await expect(sending).rejects.toMatchObject({ code: "storage_unavailable" });
    }
    store.mendWrites();
    const late = await send(id, "hello", { participant_name: "late" });
    running.end();
    (await harness.nextTurn()).end();
    expect((await late.outcome).kind).toBe("completed");
  });

  test("for a hand-off leaves the agent as it was, and no event that says otherwise", async () => {
    const { create, ask, sessions, events } = bench();
    const id = await create();
    store.breakWrites("UPDATE ON sessions");
    const patch = { current_agent: "billing", metadata: { a: 1 } };
    await expect(sessions.patch(EVERYWHERE, id, patch)).rejects.toMatchObject({
      code: "storage_unavailable",
    });
    store.mendWrites();
    expect(await sessions.get(EVERYWHERE, id)).toMatchObject({ current_agent: "default", metadata: {} });
    expect(await events(id)).toEqual([]);
    await sessions.patch(EVERYWHERE, id, patch);
    await ask(id, "hello");
    expect((await events(id)).map(({ type, turn_id }) => [type, turn_id === null])).toEqual([
      ["agent_handoff", true],
      ["message", false],
      ["text", false],
      ["done", false],
    ]);
  });
});

test("a permission mode that changes counts from the running turn's next request on", async () => {
  const { create, send, sessions, harness, events } = bench();
  const id = await create();
  const decisions: string[] = [];
  const askTwice = async (turn: ScriptedTurn): Promise<void> => {
    decisions.push((await turn.request.decide(mayWrite())).kind);
    decisions.push((await turn.request.decide(mayWrite())).kind);
    turn.end();
  };
  harness.script = (turn) => void askTwice(turn);
  const turn = await send(id, "hello");
  const { request_id } = await turn.approvals.nextPause();
  await sessions.patch(EVERYWHERE, id, { permission_mode: "autonomous" });
  expect((await sessions.get(EVERYWHERE, id)).pending_input?.request_id).toBe(request_id);
  await sessions.resolveInput(EVERYWHERE, id, request_id, { decision: "deny" });
  expect((await turn.outcome).kind).toBe("completed");
  expect(decisions).toEqual(["deny", "allow"]);
  expect((await events(id)).filter(({ type }) => type === "input_required")).toHaveLength(1);
});

test("an approval may take longer than the turn's own time", async () => {
  const { create, ask, harness, project } = bench();
  project.turnTimeoutMs = 200;
  project.approvalTimeoutMs = 400;
  const askOnce = async (turn: ScriptedTurn): Promise<void> => {
    const decision = await turn.request.decide(mayWrite());
    turn.say(decision.kind === "deny" ? decision.message : "allowed").end();
  };
  harness.script = (turn) => void askOnce(turn);
  expect(await ask(await create(), "hello")).toMatchObject({
    kind: "completed",
    message: { text: "Nobody answered in time, so this was denied." },
  });
});

describe("a turn's clock", () => {
  test("stands still while one or more questions wait, and goes on where it was", async () => {
    jest.useFakeTimers();
    try {
      const onLimit = jest.fn();
      const clock = new TurnClock(1000, onLimit);
      jest.advanceTimersByTime(600);
      const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
      const waits = [clock.standStillFor(first.promise), clock.standStillFor(second.promise)];
      jest.advanceTimersByTime(5000);
      first.resolve("yes");
      expect(await waits[0]).toBe("yes");
      jest.advanceTimersByTime(5000);
      second.resolve("no");
      await waits[1];
      jest.advanceTimersByTime(399);
      expect(onLimit).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(onLimit).toHaveBeenCalledTimes(1);
    } finally {
      jest.useRealTimers();
    }
  });

  test("that was stopped says nothing more, whatever is answered afterwards", async () => {
    jest.useFakeTimers();
    try {
      const onLimit = jest.fn();
      const clock = new TurnClock(1000, onLimit);
      const answer = Promise.withResolvers<undefined>();
      const waits = clock.standStillFor(answer.promise);
      clock.stop();
      answer.resolve(undefined);
      await waits;
      jest.advanceTimersByTime(5000);
      expect(onLimit).not.toHaveBeenCalled();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe("the history of a harness", () => {
  test("that cannot give it back is empty, and says why", async () => {
    const { create, ask, sessions, harness } = bench();
    const id = await create();
    const read = () => sessions.messages(EVERYWHERE, id, { limit: 10, cursor: null, thinking: false });
    expect(await read()).toEqual({ data: [], next_cursor: null });
    await ask(id, "hello");
    expect((await read()).data.map(({ text }) => text)).toEqual(["hello", "You said: hello"]);
    harness.transcripts = { kind: "unreadable", detail: "this agent keeps its history to itself" };
    expect(await read()).toEqual({
      data: [],
      next_cursor: null,
      unavailable: "this agent keeps its history to itself",
    });
    harness.transcripts = { kind: "none" };
    expect(await read()).toMatchObject({ data: [], unavailable: expect.stringContaining("no longer") });
  });

  test("comes in pages that end early rather than grow without bound", async () => {
    const { create, ask, sessions, harness } = bench();
    const id = await create();
    await ask(id, "hello");
    const text = "x".repeat(3 * 1024 * 1024);
    harness.transcripts = {
      kind: "read",
      entries: [1, 2, 3].map((place) => ({ role: "user", id: `msg_${place}`, text })),
    };
    const shown: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await sessions.messages(EVERYWHERE, id, { limit: 10, cursor, thinking: false });
      shown.push(...page.data.map((message) => message.id));
      expect(page.data).toHaveLength(1);
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(shown).toEqual(["msg_1", "msg_2", "msg_3"]);
  });
});
