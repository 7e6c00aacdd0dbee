import { expect, test } from "@jest/globals";
import { AtMost } from "../../../daemon/harness/at-most.ts";

test("so many pieces of work run at once, the rest in the order they came, also after one that failed", async () => {
  const two = new AtMost(2);
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<string>());
  const begun: number[] = [];
  const results = gates.map(({ promise }, place) =>
    two.run(() => {
      begun.push(place);
      return promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  gates[1]?.reject(new Error("no"));
  await expect(results[1]).rejects.toThrow("no");
  gates[0]?.resolve("a");
  await results[0];
  expect(begun).toEqual([0, 1, 2, 3]);
  gates[2]?.resolve("c");
  gates[3]?.resolve("d");
  expect(await Promise.all([results[2], results[3]])).toEqual(["c", "d"]);
  await two.run(async () => undefined);
});
