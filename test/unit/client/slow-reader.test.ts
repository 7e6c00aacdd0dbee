/** A reader that stops reading, on the real public plane: Karta cuts it off, and its client reads on by itself. */
import { expect, test } from "@jest/globals";
import { KartaClient } from "../../../shared/client/index.ts";
import { isTerminal } from "../../../shared/events.ts";
import { httpBench } from "../../support/http.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const { url, harness, create, events, store, runtime } = await httpBench(spawnerForTests());

test("a reader that was cut off as slow_consumer sees the rest of its turn, each event once", async () => {
  harness.script = () => undefined;
  const id = await create();
  const changes: string[] = [];
  const stream = new KartaClient({ url }).stream(
    id,
    { text: "a lot" },
    { onConnection: (change) => changes.push(change) },
  );
  const first = stream.next();
  const turn = await harness.nextTurn();
  turn.say("first");
  const opening = await first;
  if (opening.done === true) throw new Error("the turn ended at once");
  const seen = [opening.value.seq];
  const big = "x".repeat(100_000);
  for (let more = 0; store.feed.size === 1; more += 1) {
    if (more > 3000) throw new Error("nobody was cut off");
    turn.say(more < 150 ? big : ".");
    if (more % 50 === 0) await runtime.log.settled();
  }
  turn.end();
  let ends = 0;
  for await (const event of stream) {
    seen.push(event.seq);
    if (isTerminal(event)) ends += 1;
  }
  const stored = (await events(id)).map(({ seq }) => seq);
  expect(seen).toEqual(stored.slice(1)); // the first is the message itself
  expect(ends).toBe(1);
  expect(changes).toEqual(["open", "lost", "open"]);
});
