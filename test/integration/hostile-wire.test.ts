/** What is hardly HTTP, on both planes of a real kartad: each case's answers are those of the table, and no more. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { ErrorBodySchema } from "../../shared/errors.ts";
import { WIRE_CASES } from "../support/hostile/wire.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { RawConnection, wholeAnswers } from "../support/raw-connection.ts";
import { beginScripted } from "../support/scripted-kartad.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  kartad = await beginScripted(home);
});
afterAll(() => home.remove());

/**
 * Sends the bytes, all at once or one by one, hears so many answers, says that this was all, and hears the server out.
 * @returns the statuses
 */
async function answersTo(
  place: number | string,
  pieces: readonly string[],
  expected: string,
): Promise<string> {
  const connection = await RawConnection.open(place);
  for (const piece of pieces) connection.write(piece);
  // A client that says so at once may lose what it is told: a system resets a connection that closes with bytes unread.
  await connection.answered(expected === "" ? 0 : expected.split(" ").length);
  connection.end();
  await connection.closed();
  const answers = wholeAnswers(connection.said);
  for (const { status, body } of answers.filter((answer) => answer.status >= 400)) {
    expect(ErrorBodySchema.parse(JSON.parse(body)).detail).not.toBe("");
    expect([status, body]).not.toEqual([status, expect.stringMatching(/node_modules|\.[jt]s:\d|\/kartad\//)]);
  }
  return answers.map(({ status }) => status).join(" ");
}

const world = (): number => Number(new URL(kartad.url).port);

describe.each(WIRE_CASES)("$what", ({ bytes, world: onWorld, operator = onWorld }) => {
  test(`is answered "${onWorld}" by the HTTP port, "${operator}" by the control socket`, async () => {
    expect(await answersTo(world(), [bytes], onWorld)).toBe(onWorld);
    expect(await answersTo(home.socket, [bytes], operator)).toBe(operator);
  });
});

test("it is the same when the bytes come two by two", async () => {
  for (const { what, bytes, world: expected } of WIRE_CASES.filter((one) => one.bytes.length < 1000)) {
    const pieces = bytes.match(/[^]{1,2}/g) ?? [];
    expect([what, await answersTo(world(), pieces, expected)]).toEqual([what, expected]);
  }
});

test("a client that is gone before its answer takes nobody along", async () => {
  for (const { bytes } of WIRE_CASES.filter(({ bytes: { length } }) => length < 1000)) {
    for (const place of [world(), home.socket]) {
      const connection = await RawConnection.open(place);
      connection.write(bytes);
      if (typeof place === "number") connection.reset();
      else connection.leave();
      await connection.closed();
    }
  }
  expect((await fetch(`${kartad.url}/readyz`)).status).toBe(200);
});

test("kartad is well, and took none of it for an error of its own", async () => {
  expect((await fetch(`${kartad.url}/readyz`)).status).toBe(200);
  expect((await kartad.stop()).stderr).not.toMatch(/ERROR|FATAL|a request failed/);
});
