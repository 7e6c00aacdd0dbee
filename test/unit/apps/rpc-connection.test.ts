import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import { logLines } from "../../../daemon/process/log-lines.ts";
import { eventually } from "../../support/processes.ts";
import { RpcConnection } from "../../../daemon/apps/rpc-connection.ts";

function connection() {
  const requests = new PassThrough();
  const answers = new PassThrough();
  const breaches: string[] = [];
  const rpc = new RpcConnection({ requests, answers, onBreach: (what) => breaches.push(what) });
  const sent = (): unknown[] =>
    String(requests.read() ?? "")
      .split("\n")
      .filter((line) => line !== "")
      .map((line): unknown => JSON.parse(line));
  return { rpc, answers, breaches, sent };
}

const answer = (id: number, rest: object) => `${JSON.stringify({ jsonrpc: "2.0", id, ...rest })}\n`;

test("answers find their requests, in any order and however they are cut", async () => {
  const { rpc, answers, sent } = connection();
  const first = rpc.request("admit", { text: "☕" });
  const second = rpc.request("event", {});
  expect(sent()).toEqual([
    { jsonrpc: "2.0", id: 1, method: "admit", params: { text: "☕" } },
    { jsonrpc: "2.0", id: 2, method: "event", params: {} },
  ]);
  const bytes = Buffer.from(
    answer(2, { error: { code: -32000, message: "no ☕" } }) + answer(1, { result: [1] }),
  );
  for (const byte of bytes) answers.write(Buffer.of(byte));
  expect(await second.answer).toEqual({ kind: "error", message: "no ☕" });
  expect(await first.answer).toEqual({ kind: "result", value: [1] });
});

test.each([
  ["what is no answer", "hello\n", "what is no answer"],
  ["a line without end", "x".repeat(3 * 1024 * 1024), "a line of more than 2097152 bytes"],
])("%s is a breach, and settles every request", async (_what, said, breach) => {
  const { rpc, answers, breaches } = connection();
  const { answer: open } = rpc.request("admit", {});
  answers.write(said);
  expect(await open).toEqual({ kind: "broken" });
  expect(breaches).toEqual([breach]);
  answers.write("more\n");
  expect(breaches).toHaveLength(1);
  expect(await rpc.request("admit", {}).answer).toEqual({ kind: "broken" });
});

test("a flood is read no faster than 16 MiB a second, and its lines are only counted", async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  let dropped = 0;
  let bytes = 0;
  let now = 0;
  logLines(stream, {
    log: (line) => lines.push(line),
    dropped: (count) => (dropped += count),
    redact: (text) => text,
    now: () => now,
  });
  stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
  const chunk = Buffer.from("a line\n".repeat(10_000));
  const chunks = Math.ceil((20 * 1024 * 1024) / chunk.length);
  for (let written = 0; written < chunks; written += 1) stream.write(chunk);
  stream.end("half a line");
  await eventually(() => stream.isPaused(), "it waits");
  expect(bytes).toBeLessThan(17 * 1024 * 1024);
  now = 1000;
  await once(stream, "close");
  expect(bytes).toBe(chunks * chunk.length + "half a line".length);
  expect(lines.length).toBeLessThanOrEqual(200);
  expect(lines.length + dropped).toBeGreaterThan(chunks * 10_000 - 2);
});

test("printed lines are cut, and past a hundred a second only counted", async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  const dropped: number[] = [];
  let now = 0;
  logLines(stream, {
    log: (line) => lines.push(line),
    dropped: (count) => dropped.push(count),
    redact: (text) => text.replaceAll("secret", "***"),
    now: () => now,
  });
  stream.write("a secret\r\n\n  \nhalf");
  stream.write(` a line\n${"x".repeat(5000)}`);
  stream.write(`${"x".repeat(5000)}\nafter\n`);
  expect(lines).toEqual(["a ***", "half a line", "x".repeat(2000), "after"]);
  stream.write("again\n".repeat(1000));
  expect(lines).toHaveLength(100);
  now = 1000;
  stream.end("quiet again\nlast");
  await once(stream, "close");
  expect(lines.slice(-2)).toEqual(["quiet again", "last"]);
  expect(dropped).toEqual([904]);
});
