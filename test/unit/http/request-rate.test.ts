import { describe, expect, test } from "@jest/globals";
import { clientOf, RequestRate } from "../../../daemon/http/request-rate.ts";
import { KartaError } from "../../../shared/errors.ts";

/** A limit of so many requests a second, and a clock that a test moves. */
function limited(perSecond: number) {
  const clock = { ms: 0 };
  const rate = new RequestRate(perSecond, () => clock.ms);
  /** Null: let in. Else the seconds after which to come back. */
  const ask = (address = "10.0.0.1"): number | null => {
    try {
      rate.admit(address);
      return null;
    } catch (error) {
      if (error instanceof KartaError && error.code === "rate_limited") return error.retryAfterSeconds;
      throw error;
    }
  };
  const letIn = (requests: number, address?: string): number =>
    Array.from({ length: requests }, () => ask(address)).filter((refused) => refused === null).length;
  return { rate, clock, ask, letIn };
}

describe("an address", () => {
  test("may send ten seconds' worth at once, then as many as time allows", () => {
    const { clock, letIn } = limited(5);
    expect(letIn(80)).toBe(50);
    clock.ms += 1000;
    expect(letIn(80)).toBe(5);
    clock.ms += 3600_000;
    expect(letIn(80)).toBe(50); // silence saves up no more than one burst
  });

  test("that comes back when it was told to is let in", () => {
    const { clock, ask, letIn } = limited(0.1);
    expect(letIn(3)).toBe(1);
    const seconds = ask() ?? 0;
    expect(seconds).toBe(10);
    clock.ms += seconds * 1000;
    expect(ask()).toBeNull();
  });

  test("at the limit keeps no other out", () => {
    const { letIn } = limited(1);
    expect(letIn(20, "10.0.0.1")).toBe(10);
    expect(letIn(20, "10.0.0.2")).toBe(10);
  });

  test("that keeps knocking while it is refused does not push its own time away", () => {
    const { clock, ask, letIn } = limited(1);
    letIn(10);
    for (let second = 0; second < 5; second += 0.1) {
      clock.ms += 100;
      ask();
    }
    expect(letIn(1)).toBe(0); // five were let in meanwhile, one each second
    clock.ms += 1000;
    expect(letIn(1)).toBe(1);
  });
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::1", "0:0:0:0"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::6", "2001:db8:1:2"],
  ["2001:db8::6", "2001:db8:0:0"],
  ["2001:db8:1:2:3:4:5::", "2001:db8:1:2"],
  ["fe80::1:2:3:4%eth0", "fe80:0:0:0"],
])("%s counts as %s", (address, client) => {
  expect(clientOf(address)).toBe(client);
});

test("fifty thousand addresses leave the newest ten thousand in memory, and those keep their count", () => {
  const { rate, letIn } = limited(1);
  const of = (n: number) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
  for (let n = 0; n < 50_000; n += 1) rate.admit(of(n));
  expect(rate.size).toBe(10_000);
  expect(letIn(20, of(49_999))).toBe(9);
});
