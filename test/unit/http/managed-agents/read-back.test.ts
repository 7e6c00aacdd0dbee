/** Reading a log backwards: every event once, newest first, wherever its pages end. */
import { expect, test } from "@jest/globals";
import { LoggedEvent } from "../../../../daemon/events/logged-event.ts";
import type { EventSource } from "../../../../daemon/events/watcher.ts";
import { readBack } from "../../../../daemon/http/adapters/managed-agents/read-back.ts";

function sourceOf(oldest: number, newest: number): EventSource {
  const log = Array.from({ length: newest - oldest + 1 }, (_, place) => {
    const seq = oldest + place;
    const row = { id: seq, session_id: "sess_1", seq, turn_id: null, timestamp: 0, data: "{}" };
    return new LoggedEvent({ ...row, type: "system" });
  });
  return {
    page: (cursor, limit) => Promise.resolve(log.filter(({ seq }) => seq > cursor).slice(0, limit)),
    watch: () => () => undefined,
    position: ({ seq }) => seq,
    follows: (event, cursor) => event.seq === cursor + 1,
  };
}

const seqs = async (source: EventSource, upTo: number): Promise<number[]> =>
  (await Array.fromAsync(readBack(source, upTo))).map(({ seq }) => seq);

const downFrom = (newest: number, oldest = 1): number[] =>
  Array.from({ length: newest - oldest + 1 }, (_, place) => newest - place);

test.each([0, 1, 199, 200, 201, 399, 400, 401, 1000])("from %d to the first", async (upTo) => {
  expect(await seqs(sourceOf(1, 1000), upTo)).toEqual(downFrom(upTo));
});

test.each([2, 150, 200, 201, 202, 399])("to the oldest that is kept, %d", async (oldest) => {
  expect(await seqs(sourceOf(oldest, 1000), 401)).toEqual(downFrom(401, oldest));
});

test("from before the oldest that is kept: nothing", async () => {
  expect(await seqs(sourceOf(500, 1000), 300)).toEqual([]);
});
