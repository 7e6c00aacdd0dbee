/** Clients that are slow, broken or greedy, on real sockets: each is told why in the one error body, and the rest is served. */
import { once } from "node:events";
import net from "node:net";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect, jest, test } from "@jest/globals";
import { DEFAULT_LIMITS, type Limits } from "../../../daemon/http/limits.ts";
import { ErrorBodySchema } from "../../../shared/errors.ts";
import { httpBench, openStream, rawRequest, refusal } from "../../support/http.ts";
import { eventuallyIs } from "../../support/processes.ts";
import { RawConnection, type RawHttpAnswer } from "../../support/raw-connection.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(20_000);

const spawner = spawnerForTests();
const limited = (limits: Partial<Limits>) =>
  httpBench(spawner, { limits: { ...DEFAULT_LIMITS, requests_per_second: 1_000_000, ...limits } });

const small = await limited({ max_body_bytes: 2000, max_header_bytes: 4096, max_url_bytes: 1024 });
const hasty = await limited({ headers_timeout_seconds: 1, request_timeout_seconds: 1 });
const few = await limited({ max_connections: 3 });
const rare = await limited({ requests_per_second: 0.2 });

const ASKED = { method: "GET", path: "/healthz" };
const HOST = "Host: localhost\r\n";

function errorOf({ status, body }: Pick<RawHttpAnswer, "status" | "body">): string {
  return `${status} ${ErrorBodySchema.parse(JSON.parse(body)).error}`;
}

/** Sends this, whatever it is. @param asked the request it stands for, where it is one */
async function sentTo(port: number, text: string, asked = ASKED) {
  const connection = (await RawConnection.open(port)).write(text);
  return { connection, error: errorOf(await connection.answer(asked)) };
}

/** What a request for a WebSocket is answered. */
async function upgradeOn(port: number, id: string): Promise<string> {
  const path = `/v1/sessions/${id}/events`;
  const head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  const text = `GET ${path} HTTP/1.1\r\n${HOST}${head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
  const { connection, error } = await sentTo(port, text, { method: "GET", path });
  await connection.closed();
  return error;
}

const isServed = async (port: number) => (await rawRequest(port, "GET", "/healthz")).status === 200;

describe("a request that is too large", () => {
  test.each<[string, string, string]>([
    [
      "by one header",
      `GET /healthz HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(5000)}\r\n\r\n`,
      "431 headers_too_large",
    ],
    [
      "by many headers",
      `GET /healthz HTTP/1.1\r\n${HOST}${"X-A: a\r\n".repeat(1500)}\r\n`,
      "431 headers_too_large",
    ],
    [
      "by headers without an end",
      `GET /healthz HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(100_000)}`,
      "431 headers_too_large",
    ],
    ["by a huge URL", `GET /${"a".repeat(100_000)} HTTP/1.1\r\n${HOST}\r\n`, "431 headers_too_large"],
    ["by a long URL", `GET /${"a".repeat(1100)} HTTP/1.1\r\n${HOST}\r\n`, "414 url_too_long"],
  ])("%s is told so", async (_what, text, error) => {
    const told = await sentTo(small.port, text);
    expect(told.error).toBe(error);
    if (error.startsWith("431")) await told.connection.closed();
    else told.connection.leave();
    expect(await isServed(small.port)).toBe(true);
  });

  test("by its body, declared or not, or once it is unpacked, is told so", async () => {
    const id = await small.create();
    const path = `/v1/sessions/${id}/messages`;
    const declared = await refusal(small.port, { path, body: { text: "x".repeat(3000) } });
    expect(declared.is).toBe("413 body_too_large");
    expect(declared.words).toContain("2000 bytes");
    const chunk = "x".repeat(3000);
    const chunked = await sentTo(
      small.port,
      `POST ${path} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`,
      { method: "POST", path },
    );
    expect(chunked.error).toBe("413 body_too_large");
    chunked.connection.leave();
    const packed = gzipSync(JSON.stringify({ text: "x".repeat(100_000) }));
    const headers = { "Content-Type": "application/json", "Content-Encoding": "gzip" };
    const unpacked = await rawRequest(small.port, "POST", path, headers, packed);
    expect(errorOf(unpacked)).toBe("413 body_too_large");
  });

  test("by its declared body is told so before it has sent it", async () => {
    const head = `POST /v1/sessions HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 9000000\r\n\r\n`;
    const { connection, error } = await sentTo(small.port, `${head}{`, {
      method: "POST",
      path: "/v1/sessions",
    });
    expect(error).toBe("413 body_too_large");
    connection.leave();
  });
});

describe("a request that is too slow", () => {
  const POST = `POST /v1/sessions HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`;
  const SLOW = {
    "never begins": "",
    "does not finish its headers": `GET /healthz HTTP/1.1\r\n${HOST}X-A: `,
    "does not finish its body": `${POST}Content-Length: 100\r\n\r\n{"metadata":`,
    "does not finish its chunks": `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{"met`,
    "does not finish its trailers": `${POST}Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: `,
    "does not finish a WebSocket's handshake": `GET /v1/sessions/x/events HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n`,
  };

  test("is told so and closed, however it is slow, and an answer may take longer", async () => {
    const id = await hasty.create();
    const stream = await openStream(hasty.port, { path: `/v1/sessions/${id}/events` });
    const dripping = (await RawConnection.open(hasty.port)).write(`GET / HTTP/1.1\r\n${HOST}X-A: `);
    const drip = setInterval(() => dripping.write("a"), 50);
    const told = await Promise.all(
      Object.entries(SLOW).map(async ([how, text]) => {
        const { connection, error } = await sentTo(hasty.port, text);
        await connection.closed();
        return [how, error];
      }),
    );
    expect(told).toEqual(Object.keys(SLOW).map((how) => [how, "408 request_timeout"]));
    expect(errorOf(await dripping.answer(ASKED))).toBe("408 request_timeout");
    await dripping.closed();
    clearInterval(drip);
    await hasty.ask(id, "still there?");
    await stream.until("event: done");
    stream.leave();
  });
});

describe("an answer that nobody reads", () => {
  test("is given up with its connection, and one that is read, however late it was asked for, is not", async () => {
    const ask = `GET /openapi.json HTTP/1.1\r\n${HOST}\r\n`;
    const deaf = net.connect(hasty.port, "127.0.0.1");
    await once(deaf, "connect");
    deaf.pause().write(ask.repeat(60)); // more than the system's buffers take
    const served = hasty.server.getConnections.bind(hasty.server);
    const patient = await RawConnection.open(hasty.port);
    await eventuallyIs(() => promisify(served)(), 2);
    patient.write(ask);
    expect((await patient.answer({ method: "GET", path: "/openapi.json" })).status).toBe(200);
    patient.leave();
    await eventuallyIs(() => promisify(served)(), 0);
    deaf.destroy();
  });
});

describe("a turn", () => {
  test("may take longer than a request, also behind another request on its connection", async () => {
    const { script } = hasty.harness;
    hasty.harness.script = () => undefined;
    const path = `/v1/sessions/${await hasty.create()}/messages`;
    const body = '{"text":"take your time"}';
    const connection = await RawConnection.open(hasty.port);
    connection.write(
      `GET /healthz HTTP/1.1\r\n${HOST}\r\nPOST ${path} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const turn = await hasty.harness.nextTurn();
    for (let second = 0; second < 3; second += 1) {
      const slow = await RawConnection.open(hasty.port); // is closed after a second or two
      await slow.closed();
    }
    expect(connection.isClosed).toBe(false);
    turn.say("at last").end();
    await connection.until("at last");
    connection.leave();
    hasty.harness.script = script;
  });
});

describe("what is not HTTP", () => {
  test.each([
    ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["words", "hello there\r\n\r\n"],
    ["a header without a name", `GET /healthz HTTP/1.1\r\n${HOST}: x\r\n\r\n`],
    ["two lengths", `POST /v1/sessions HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    [
      "a length and chunks, which could hide a second request",
      `POST /v1/sessions HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
  ])("%s is refused with the error body, and closed", async (_what, text) => {
    const { connection, error } = await sentTo(small.port, text);
    expect(error).toBe("400 bad_request");
    await connection.closed();
  });

  test("on a connection whose answer is under way closes it and adds no word to that answer", async () => {
    const id = await small.create();
    const path = `/v1/sessions/${id}/events?after=0`;
    const connection = (await RawConnection.open(small.port)).write(`GET ${path} HTTP/1.1\r\n${HOST}\r\n`);
    await connection.until("\r\n\r\n");
    connection.write("nonsense\r\n\r\n");
    await connection.closed();
    expect(connection.said).not.toContain("bad_request");
  });

  test("no Host and an unknown expectation are answered like any other request", async () => {
    expect((await sentTo(small.port, "GET /healthz HTTP/1.1\r\n\r\n")).error).toBe("403 origin_not_allowed");
    const expecting = await RawConnection.open(small.port);
    expecting.write(`GET /healthz HTTP/1.1\r\n${HOST}Expect: a miracle\r\n\r\n`);
    expect((await expecting.answer(ASKED)).status).toBe(200);
    expecting.leave();
  });
});

describe("a connection too many", () => {
  const stream = async (id: string) => openStream(few.port, { path: `/v1/sessions/${id}/events` });

  test("is told so when it asks, and served when others have left", async () => {
    const id = await few.create();
    const streams = await Promise.all([stream(id), stream(id), stream(id)]);
    const { answer, is } = await refusal(few.port, { ...ASKED, headers: {} });
    expect(is).toBe("503 too_many_connections");
    expect(answer.headers["retry-after"]).toBe("5");
    expect(await upgradeOn(few.port, id)).toBe("503 too_many_connections");
    const patient = await RawConnection.open(few.port);
    for (const one of streams) one.leave();
    await few.ask(id, "are they gone?");
    patient.write(`GET /healthz HTTP/1.1\r\n${HOST}\r\n`);
    expect((await patient.answer(ASKED)).status).toBe(200);
    patient.leave();
  });

  test("takes the place of one that is only kept for a next request", async () => {
    const kept = await Promise.all([1, 2, 3].map(() => RawConnection.open(few.port)));
    for (const one of kept) {
      one.write(`GET /healthz HTTP/1.1\r\n${HOST}\r\n`);
      expect((await one.answer(ASKED)).headers["keep-alive"]).toBe("timeout=75");
    }
    expect(await isServed(few.port)).toBe(true);
    await Promise.all(kept.map((one) => one.closed()));
  });

  test("of a flood is closed, and the server goes on", async () => {
    const flood = await Promise.all(Array.from({ length: 300 }, () => RawConnection.open(few.port)));
    await Promise.race(flood.map((one) => one.closed()));
    for (const one of flood) one.leave();
    await Promise.all(flood.map((one) => one.closed()));
    expect(await isServed(few.port)).toBe(true);
  });
});

describe("an address that asks too often", () => {
  test("is told when to come back, but still sees that the daemon is alive", async () => {
    const path = "/v1/sessions";
    expect((await rawRequest(rare.port, "GET", path)).status).toBe(200); // ten seconds' worth: two at once
    expect((await rawRequest(rare.port, "GET", path)).status).toBe(200);
    const { is, answer } = await refusal(rare.port, { method: "GET", path });
    expect(is).toBe("429 rate_limited");
    expect(await upgradeOn(rare.port, await rare.create())).toBe("429 rate_limited");
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    expect(Number(answer.headers["retry-after"])).toBeLessThanOrEqual(5);
    expect(await isServed(rare.port)).toBe(true);
    expect((await rawRequest(rare.port, "GET", "/readyz")).status).toBe(200);
  });
});

describe("a body made to hurt", () => {
  const session = "/v1/sessions";
  test.each<[string, string, string]>([
    ["of a million open brackets", "[".repeat(1_000_000), "400 invalid_json"],
    ["nested half a million deep", "[".repeat(500_000) + "]".repeat(500_000), "400 invalid_json"],
    ["of objects nested deep", `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`, "422 invalid_request"],
    [
      "nested deep where a value stands",
      `{"metadata":{"a":${"[".repeat(400_000)}${"]".repeat(400_000)}}}`,
      "422 invalid_request",
    ],
    [
      "of a hundred thousand unknown fields",
      `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join(",")}}`,
      "422 invalid_request",
    ],
    [
      "wrong in a hundred thousand places",
      `{"metadata":{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":[]`).join(",")}}}`,
      "422 invalid_request",
    ],
    ["of one huge number", `{"metadata":{"a":${"9".repeat(1_000_000)}}}`, "422 invalid_request"],
    ["of one huge key", `{"metadata":{"${"k".repeat(1_000_000)}":1}}`, "422 invalid_request"],
  ])("%s gets a short answer", async (_what, body, is) => {
    const answer = await rawRequest(few.port, "POST", session, { "Content-Type": "application/json" }, body);
    expect(errorOf(answer)).toBe(is);
    expect(answer.body.length).toBeLessThan(20_000);
    expect(await isServed(few.port)).toBe(true);
  });
});
