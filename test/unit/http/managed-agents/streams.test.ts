/** The managed-agents stream: where it begins, where it closes, and that nothing is lost or seen twice between two of them. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { httpBench, openStream } from "../../../support/http.ts";
import {
  isStop,
  ManagedAgentsClient,
  read,
  requireAction,
  type Event,
} from "../../../support/managed-agents.ts";
import { eventually, eventuallyIs } from "../../../support/processes.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { harness, store, url } = bench;
const { script } = harness;
const client = new ManagedAgentsClient(`${url}/v1/projects/bot`);
afterEach(() => {
  harness.script = script;
});

const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5 };
const types = (events: readonly Event[]): string[] => events.map(({ type }) => type);
const lastSeq = (events: readonly Event[]): number => events.at(-1)?.seq ?? 0;

/** An agent in the middle of a message that a test leads on. */
async function begin(id: string, text = "hi") {
  harness.script = () => undefined;
  await client.say(id, text);
  return harness.nextTurn();
}

/** Lets an agent ask for leave; resolves when it has asked. */
function ask(turn: Awaited<ReturnType<typeof begin>>, tool = "Write"): Promise<string> {
  const { signal } = new AbortController();
  const request = {
    toolUseId: "t1",
    kind: "tool_use" as const,
    tool,
    input: { path: tool },
    message: "May I?",
  };
  return turn.request.decide({ ...request, options: [], signal }).then(({ kind }) => kind);
}

describe("a turn", () => {
  test("is streamed from its first event to its end, and the stream closes", async () => {
    const id = await client.create();
    harness.script = (turn) => {
      turn.emit({ type: "reasoning", text: "hm" }).say("You ").say("said hi");
      turn.emit({ type: "tool_use", id: "t1", name: "Read", input: { path: "a" } });
      turn.emit({ type: "tool_result", id: "t1", isError: false, content: "hello" }).say("Done").end();
    };
    const { events, parts } = await client.ask(id, "hi", 0);
    expect(types(events)).toEqual([
      "session.status_running",
      "agent.thinking",
      "agent.message",
      "agent.message",
      "agent.tool_use",
      "agent.tool_result",
      "agent.message",
      "session.status_idle",
    ]);
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(parts).toEqual(["You said hi", "Done"]);
    expect(events.at(-1)).toMatchObject({ stop_reason: "end_turn", usage });
  });

  test("is seen whole by a stream that was opened before its message", async () => {
    const id = await client.create();
    const reading = client.follow(id, 0);
    await eventually(() => store.feed.size === 1, "the stream is open");
    await client.say(id, "hi");
    expect((await reading).parts).toEqual(["You said: hi"]);
  });

  test("reaches its client word by word, and goes on when the client leaves", async () => {
    const id = await client.create();
    const turn = await begin(id);
    const leave = new AbortController();
    const reading = client.stream(id, 0, leave.signal);
    expect((await reading.next()).value).toMatchObject({ type: "session.status_running" });
    turn.say("one");
    expect((await reading.next()).value).toMatchObject({ text: "one", delta: true });
    leave.abort();
    await expect(reading.next()).rejects.toThrow();
    await eventually(() => store.feed.size === 0, "its listener was freed");
    turn.say("two").end();
    expect((await client.follow(id, 2)).parts).toEqual(["two"]);
    expect(turn.cancels).toBe(0);
  });

  test("that fails closes the stream with what went wrong", async () => {
    const id = await client.create();
    harness.script = (turn) =>
      turn
        .say("I was")
        .end({ kind: "failed", code: "model_error", message: "Overloaded", retryable: true, usage });
    const { events } = await client.ask(id, "hi", 0);
    expect(events.at(-1)).toMatchObject({
      type: "session.error",
      message: "Overloaded",
      code: "model_error",
    });
  });

  test("is interrupted: it ends, and says so; there is nothing to interrupt then", async () => {
    const id = await client.create();
    const turn = await begin(id);
    turn.say("one");
    const reading = client.follow(id, 0);
    await client.post(id, { type: "user.interrupt" });
    expect((await reading).last).toMatchObject({ stop_reason: "end_turn", interrupted: true });
    expect(await client.call("POST", `/${id}/events`, { type: "user.interrupt" })).toMatchObject({
      status: 409,
      body: { error: "no_turn_running" },
    });
  });
});

describe("a request", () => {
  test("closes the stream; the client answers, and streams on from its cursor", async () => {
    const id = await client.create();
    const turn = await begin(id);
    turn.say("Wait. ");
    const decided = ask(turn);
    const paused = await client.follow(id, 0);
    const action = requireAction(paused);
    expect(action).toMatchObject({
      tool: "Write",
      target: "Write",
      options: ["approve_once", "approve_session", "deny"],
    });
    expect((await client.get(id)).status).toBe("idle");

    await client.confirm(id, action, "allow");
    expect(await decided).toBe("allow");
    expect((await client.get(id)).status).toBe("running");
    turn.say("Done.").end();
    const on = await client.follow(id, action.seq);
    expect(types(on.events)).toEqual(["session.status_running", "agent.message", "session.status_idle"]);
    expect(read([...paused.events, ...on.events]).parts).toEqual(["Wait. Done."]);
    expect(await client.call("POST", `/${id}/events`, confirmation(action.request_id, "deny"))).toMatchObject(
      {
        status: 409,
        body: { error: "input_already_resolved" },
      },
    );
  });

  test("is answered with yes for the session, or with no and a reason", async () => {
    const id = await client.create();
    const turn = await begin(id);
    const { signal } = new AbortController();
    const request = {
      toolUseId: "t1",
      kind: "tool_use" as const,
      tool: "Write",
      input: {},
      message: "?",
      options: [],
    };
    const first = turn.request.decide({ ...request, signal });
    const one = requireAction(await client.follow(id, 0));
    await client.confirm(id, one, "approve_session");
    expect(await first).toEqual({ kind: "allow", scope: "session", answers: null });
    const second = turn.request.decide({ ...request, signal });
    const two = requireAction(await client.follow(id, one.seq));
    await client.post(id, { ...confirmation(two.request_id, "deny"), message: "Not on a Tuesday." });
    expect(await second).toEqual({ kind: "deny", message: "Not on a Tuesday." });
    turn.end();
  });

  test("of two at once, each is come to and answered", async () => {
    const id = await client.create();
    const turn = await begin(id);
    const decided = [ask(turn, "One"), ask(turn, "Two")];
    await eventuallyIs(async () => (await client.get(id)).events.length, 3); // both are asked
    const one = requireAction(await client.follow(id, 0));
    expect(one.tool).toBe("One");
    await client.confirm(id, one, "approve_once");
    const two = requireAction(await client.follow(id, one.seq));
    expect(two.tool).toBe("Two");
    await client.confirm(id, two, "deny");
    expect(await Promise.all(decided)).toEqual(["allow", "deny"]);
    turn.end();
    expect((await client.follow(id, two.seq)).last).toMatchObject({ stop_reason: "end_turn" });
  });

  test("that nobody made is 404", async () => {
    const id = await client.create();
    const answer = await client.call(
      "POST",
      `/${id}/events`,
      confirmation("req_000000000000000000000000", "allow"),
    );
    expect(answer).toMatchObject({ status: 404, body: { error: "not_found" } });
  });
});

const confirmation = (request_id: string, result: string) => ({
  type: "user.tool_confirmation",
  request_id,
  result,
});

describe("a cursor", () => {
  test("at any place gives what comes after it, and the stream closes at the last end", async () => {
    const id = await client.create();
    harness.script = (turn) => turn.say("one ").say("two").end();
    await client.ask(id, "first", 0);
    await client.ask(id, "second", 4);
    const { events } = await client.get(id);
    expect(events).toHaveLength(8);
    for (let after = 0; after < 8; after += 1) {
      const inFirst = after > 0 && after < 4; // a client in the middle of the first turn wants that turn's end
      const expected = events.filter(({ seq }) => seq > after && (!inFirst || seq <= 4));
      expect((await client.follow(id, after)).events).toEqual(expected);
    }
  });

  test("before turns that are over is no reason to close before the one that runs has ended", async () => {
    const id = await client.create();
    await client.ask(id, "first", 0);
    const turn = await begin(id, "second");
    const reading = client.follow(id, 0);
    turn.say("news").end();
    expect((await reading).events.filter(isStop)).toHaveLength(2);
  });

  test("at the end of all that was waits for the next turn", async () => {
    const id = await client.create();
    const before = await client.ask(id, "first", 0);
    const reading = client.follow(id, lastSeq(before.events));
    await eventually(() => store.feed.size === 1, "the stream is open");
    await client.say(id, "second");
    expect((await reading).parts).toEqual(["You said: second"]);
  });

  test("is taken from Last-Event-ID before the query, as an EventSource sends it", async () => {
    const id = await client.create();
    await client.ask(id, "hi", 0);
    const { port } = bench;
    const path = `/v1/projects/bot/managed-agents/sessions/${id}/events/stream?after=0`;
    const stream = await openStream(port, { path, headers: { "Last-Event-ID": "2" } });
    await stream.end();
    expect(stream.headers).toMatchObject({ "content-type": "text/event-stream; charset=utf-8" });
    const frames = stream.said.trim().split("\n\n");
    expect(frames).toHaveLength(1);
    expect(frames[0]).toMatch(/^id: 3\ndata: \{"type":"session.status_idle",/); // no name: it goes to `onmessage`
  });

  test("of a turn that waits behind another: the stream closes at each one's end", async () => {
    const id = await client.create();
    const first = await begin(id, "first");
    await client.say(id, "second");
    const reading = client.follow(id, 0);
    await eventually(() => store.feed.size === 1, "the stream is open");
    first.say("one").end();
    const one = await reading;
    expect(one.parts).toEqual(["one"]);
    const second = await harness.nextTurn();
    second.say("two").end();
    expect((await client.follow(id, lastSeq(one.events))).parts).toEqual(["two"]);
  });

  test("whose events are gone is 410, and says where to begin", async () => {
    const id = await client.create();
    await client.ask(id, "hi", 0);
    store.outside.exec(`DELETE FROM events WHERE session_id = '${id}' AND seq < 3`);
    const gone = await client.call("GET", `/${id}/events/stream?after=1`);
    expect(gone).toMatchObject({ status: 410, body: { error: "cursor_expired", oldest_seq: 3 } });
    expect((await client.get(id)).events).toMatchObject([{ seq: 3, stop_reason: "end_turn" }]);
  });

  test("that is none is 422", async () => {
    const id = await client.create();
    for (const after of ["-1", "x", "1.5"])
      expect(await client.call("GET", `/${id}/events/stream?after=${after}`)).toMatchObject({ status: 422 });
  });
});
