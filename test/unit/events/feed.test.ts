import { describe, expect, test } from "@jest/globals";
import { newId } from "../../../shared/ids.ts";
import { appending } from "../../support/reader.ts";
import { storeBench } from "../../support/store.ts";

const { log, feed } = await storeBench();
const append = appending(log);

describe("the feed", () => {
  test("frees a listener when it stops, also while events are handed out, and not its neighbour", async () => {
    const session = newId("sess");
    log.open(session, 0);
    const seen: string[] = [];
    const stopFirst = feed.watch(session, () => {
      seen.push("first");
      stopFirst();
    });
    const stopSecond = feed.watch(session, () => seen.push("second"));
    const stopAll = feed.watchAll(() => seen.push("all"));
    expect(feed.size).toBe(3);
    await append(session, 1);
    await append(session, 1);
    expect(seen).toEqual(["all", "first", "second", "all", "second"]);
    stopSecond();
    stopSecond();
    stopAll();
    expect(feed.size).toBe(0);
    const again = feed.watch(session, () => seen.push("again"));
    stopFirst(); // an old stop does not end a new listener
    expect(feed.size).toBe(1);
    again();
  });
});
