/** Watching the real Claude Code over a kill -9 of kartad, as users run it: nothing is lost, nothing comes twice. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { EventPageSchema } from "../../shared/protocol/sessions.ts";
import { createSession, request, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { watch, type Seen, type WatchOptions } from "../support/watching.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await home.start();
  const folder = home.project("bot", {
    "CLAUDE.md": "# Bot",
    "offline.toml": `tokens_per_second = 20\n[default]\ntext = "one two three four five six seven eight nine ten"\n`,
  });
  await home.operator.addProject(folder, "bot");
});
afterAll(() => home.remove());

async function log(id: string): Promise<Seen[]> {
  const path = `/v1/sessions/${id}/events?follow=false&include=system&limit=1000`;
  const { data } = EventPageSchema.parse((await request(kartad.url, "GET", path)).body);
  return data.map(({ seq, type, turn_id }) => ({ seq, type, turnId: turn_id }));
}

test("a stream and a WebSocket go on after it from their cursors", async () => {
  const { id } = await createSession(kartad.url);
  const readers = (["sse", "websocket"] as const).map((transport) => ({ transport, seen: [] as Seen[] }));
  const join = (transport: WatchOptions["transport"], after: number) =>
    watch({ url: kartad.url, session: id, transport, after, by: "header" });

  const before = await Promise.all(readers.map(({ transport }) => join(transport, 0)));
  const lost = send(kartad.url, id, "Count.").catch(() => "lost");
  await Promise.all(before.map((watching) => watching.until(4)));
  await kartad.kill();
  expect(await lost).toBe("lost");
  for (const [index, watching] of before.entries()) {
    expect(await watching.ended).toBe("broken");
    readers[index]?.seen.push(...watching.seen);
  }

  kartad = await home.start();
  const after = await Promise.all(
    readers.map(({ transport, seen }) => join(transport, seen.at(-1)?.seq ?? 0)),
  );
  expect(await send(kartad.url, id, "Count again.")).toMatchObject({ status: "completed" });
  const all = await log(id);
  for (const [index, watching] of after.entries()) {
    await watching.until(all.length);
    watching.leave();
    expect([...(readers[index]?.seen ?? []), ...watching.seen]).toEqual(all);
  }
  expect(all.flatMap(({ type }) => (["message", "error", "done"].includes(type) ? type : []))).toEqual([
    "message",
    "error",
    "message",
    "done",
  ]);
});
