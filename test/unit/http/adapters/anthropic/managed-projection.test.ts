/** A session's log as Managed Agents' events, where turns wait for each other, for people, or lost their beginning. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { sessionAgent } from "../../../../../daemon/http/adapters/anthropic/managed/agents.ts";
import { isKept, listEvents } from "../../../../../daemon/http/adapters/anthropic/managed/list-events.ts";
import { ManagedProjection } from "../../../../../daemon/http/adapters/anthropic/managed/projection.ts";
import type { SessionEvent } from "../../../../../shared/events.ts";
import type { ManagedEvent } from "../../../../../shared/protocol/adapters/anthropic/events.ts";
import { ManagedEventSchema } from "../../../../../shared/protocol/adapters/anthropic/events.ts";
import {
  answered,
  asked,
  done,
  failed,
  logOf,
  required,
  resolved,
  said,
  SESSION,
  sourceOf,
  thought,
  used,
  type Written,
} from "./log.ts";

const projection = () =>
  new ManagedProjection({ sessionId: SESSION, agentOf: (agent) => sessionAgent("bot", agent) });

function listed(log: readonly SessionEvent[]): ManagedEvent[] {
  const reader = projection();
  return log.flatMap((event) => reader.add(event)).filter(isKept);
}

const typesOf = (events: readonly { readonly type: string }[]): string[] => events.map(({ type }) => type);
const idAt = (seq: number): string => `sevt_${SESSION.slice(5)}_${seq}`;

describe("turns that wait", () => {
  test("the session is idle when the last one has ended, and each says what it says in one piece", () => {
    const log = logOf([
      asked("one"),
      said("o"),
      { ...asked("two"), turn: "turn_2" },
      said("ne"),
      done(),
      { ...said("two"), turn: "turn_2" },
      { ...done(), turn: "turn_2" },
    ]);
    const events = listed(log);
    expect(typesOf(events)).toEqual([
      "user.message",
      "session.status_running",
      "user.message",
      "agent.message",
      "agent.message",
      "session.status_idle",
    ]);
    expect(events[3]).toMatchObject({ id: idAt(2), content: [{ text: "one" }] });
  });

  test("one that is withdrawn while another runs does not cut that one's words in two", () => {
    const log = logOf([
      asked("one"),
      said("o"),
      { ...asked("two"), turn: "turn_2" },
      { ...done("cancelled"), turn: "turn_2" },
      said("ne"),
      done(),
    ]);
    expect(typesOf(listed(log))).toEqual([
      "user.message",
      "session.status_running",
      "user.message",
      "user.interrupt",
      "agent.message",
      "session.status_idle",
    ]);
  });
});

describe("questions", () => {
  test("several at once: each is named by the use it is about, and idle is told again while some are left", () => {
    const log = logOf([
      asked("go"),
      used("a", "Write", { file: 1 }),
      used("b", "Write", { file: 2 }),
      required("req_b", "Write", { file: 2 }, { use: "b" }),
      required("req_a", "Write", { file: "/home/1" }, { use: "a" }),
      resolved("req_b"),
      resolved("req_a", "deny"),
      answered("b", "done"),
      done(),
    ]);
    const reader = projection();
    const before = log.slice(0, 5).flatMap((event) => reader.add(event));
    expect(before.at(-1)).toMatchObject({ stop_reason: { event_ids: [idAt(3), idAt(2)] } });
    expect(reader.awaited(idAt(2))).toMatchObject({ requestId: "req_a", kind: "tool_use" });
    const after = log.slice(5).flatMap((event) => reader.add(event));
    expect(after.slice(0, 5)).toMatchObject([
      { type: "user.tool_confirmation", tool_use_id: idAt(3), result: "allow" },
      { type: "session.status_idle", stop_reason: { event_ids: [idAt(2)] } },
      { type: "user.tool_confirmation", tool_use_id: idAt(2), result: "deny" },
      { type: "session.status_running" },
      { type: "agent.tool_result", tool_use_id: idAt(3), content: [{ text: "done" }] },
    ]);
    expect(reader.awaited(idAt(2))).toBeNull();
  });

  test("about a use that was not seen show it, and say that leave is asked", () => {
    const events = listed(logOf([asked("go"), required("req_a", "mcp__shop__look_up", 17)]));
    expect(events.slice(2)).toMatchObject([
      {
        type: "agent.mcp_tool_use",
        id: idAt(2),
        mcp_server_name: "shop",
        name: "look_up",
        input: { input: 17 },
        evaluated_permission: "ask",
      },
      { type: "session.status_idle", stop_reason: { event_ids: [idAt(2)] } },
    ]);
  });

  test("that a turn's end answers are nobody's any more", () => {
    const reader = projection();
    for (const event of logOf([asked("go"), required("req_a", "Write", {}), done("cancelled")]))
      reader.add(event);
    expect(reader.awaited(idAt(2))).toBeNull();
  });
});

test("thinking and words come in the order they were said; a hand-off changes the session's agent", () => {
  const events = listed(
    logOf([
      asked("go"),
      thought("hm"),
      thought("m"),
      said("so"),
      { type: "agent_handoff", data: { from: "default", to: "billing" } },
      thought("hm"),
      failed(),
    ]),
  );
  expect(typesOf(events)).toEqual([
    "user.message",
    "session.status_running",
    "agent.thinking",
    "session.updated",
    "agent.message",
    "agent.thinking",
    "session.error",
    "session.status_idle",
  ]);
  expect(events[3]).toMatchObject({ agent: { id: "bot@billing" } });
});

test("a log that has lost its beginning is read from where it is kept", () => {
  const log = logOf([asked("go"), used("a", "Write", {}), answered("a", "ok"), said("done"), done()]).slice(
    2,
  );
  const events = listed(log);
  expect(typesOf(events)).toEqual([
    "session.status_running",
    "agent.tool_result",
    "agent.message",
    "session.status_idle",
  ]);
  expect(events[1]).toMatchObject({ tool_use_id: "a" });
});

const turn = fc
  .array(
    fc.constantFrom<readonly Written[]>(
      [said("a"), said("b")],
      [thought("hm")],
      [
        used("u", "Write", {}),
        required("req", "Write", {}, { use: "u" }),
        resolved("req"),
        answered("u", "ok"),
      ],
      [required("q", "Ask", {}, { kind: "question" }), resolved("q")],
      [{ type: "step_start", data: { step_index: 0, description: "" } }],
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.flat());
const logs = fc
  .array(fc.tuple(turn, fc.constantFrom(done(), done("cancelled"), failed())), { maxLength: 6 })
  .map((turns) =>
    logOf(
      turns.flatMap(([body, end], place) =>
        [asked("go"), ...body, end].map((draft) => ({ ...draft, turn: `turn_${place}` })),
      ),
    ),
  );

describe("whatever the log", () => {
  test("every id is one event's, every event is of the contract, and pages of any size add up to the whole", async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.integer({ min: 1, max: 7 }), async (log, limit) => {
        const whole = listed(log);
        for (const event of whole) ManagedEventSchema.parse(event);
        expect(new Set(whole.map(({ id }) => id)).size).toBe(whole.length);
        const paged: ManagedEvent[] = [];
        for (let page: string | null = null, more = true; more; more = page !== null) {
          const answer = await listEvents(sourceOf(log), projection(), { limit, page, shows: () => true });
          expect(answer.data.length).toBeLessThanOrEqual(limit);
          paged.push(...answer.data);
          page = answer.next_page;
        }
        expect(paged).toEqual(whole);
      }),
    );
  });

  test("who comes in the middle of a turn is told the rest of it as all others are", () => {
    fc.assert(
      fc.property(logs, fc.nat(), (log, place) => {
        const after = log.length === 0 ? 0 : place % log.length;
        const open = log.slice(0, after).findLast(({ type }) => type === "message");
        const rest = (from: number): ManagedEvent[] => {
          const reader = projection();
          return log.slice(from).flatMap((event) => {
            const events = reader.add(event).filter(isKept);
            return event.seq > after ? events : [];
          });
        };
        expect(rest((open?.seq ?? 1) - 1)).toEqual(rest(0));
      }),
    );
  });
});

test("a page that is none of ours, or that is no longer kept, is refused", async () => {
  const log = logOf([asked("one"), done(), asked("two"), done()]);
  const list = (source: readonly SessionEvent[], page: string | null) =>
    listEvents(sourceOf(source), projection(), { limit: 3, page, shows: () => true });
  await expect(list(log, "nonsense")).rejects.toMatchObject({ code: "invalid_request" });
  const { next_page } = await list(log, null);
  await expect(list(log, next_page)).resolves.toMatchObject({ next_page: null });
  await expect(list(log.slice(3), next_page)).rejects.toMatchObject({ code: "cursor_expired" });
});
