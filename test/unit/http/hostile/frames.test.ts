/** WebSocket frames that no client may send, byte by byte: each closes its own connection with the code of the RFC, and no other. */
import { describe, expect, test } from "@jest/globals";
import { deflateRawSync } from "node:zlib";
import { httpBench } from "../../../support/http.ts";
import { closeFrame, frame, FrameConnection } from "../../../support/hostile/frames.ts";
import { eventually } from "../../../support/processes.ts";
import { openSocket } from "../../../support/websocket.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port, store } = bench;
const id = await bench.create();
const path = `/v1/sessions/${id}/events`;

const text = (content: string | Buffer) => frame({ opcode: 1, content: Buffer.from(content) });
const many = (count: number, one: Buffer) => Buffer.concat(Array<Buffer>(count).fill(one));
const start = frame({ opcode: 1, fin: false, content: Buffer.from("x") });
const more = frame({ opcode: 0, fin: false, content: Buffer.from("x") });
const bomb = deflateRawSync(Buffer.alloc(10_000_000));

describe("a frame", () => {
  test.each<[string, Buffer, number]>([
    ["that is not masked", frame({ opcode: 1, masked: false, content: Buffer.from("hi") }), 1002],
    [
      "with the first reserved bit, which would be a compressed one",
      frame({ opcode: 1, rsv: 4, content: bomb.subarray(0, 900) }),
      1002,
    ],
    ["with the second reserved bit", frame({ opcode: 1, rsv: 2, content: Buffer.from("hi") }), 1002],
    ["with the third reserved bit", frame({ opcode: 1, rsv: 1, content: Buffer.from("hi") }), 1002],
    ["of the reserved kind 3", frame({ opcode: 3, content: Buffer.from("hi") }), 1002],
    ["of the reserved kind 7", frame({ opcode: 7, content: Buffer.alloc(0) }), 1002],
    ["of the reserved control kind 11", frame({ opcode: 11, content: Buffer.alloc(0) }), 1002],
    ["that goes on with nothing", more, 1002],
    ["that begins in the midst of another", Buffer.concat([start, start]), 1002],
    ["of a ping in pieces", frame({ opcode: 9, fin: false, content: Buffer.alloc(0) }), 1002],
    ["of a ping that is too long", frame({ opcode: 9, content: Buffer.alloc(126) }), 1002],
    ["of a kilobyte and one more", text("x".repeat(1025)), 1009],
    [
      "that says that it is a gigabyte",
      frame({ opcode: 2, content: Buffer.alloc(0), length: 2n ** 30n }),
      1009,
    ],
    [
      "that says that it is longer than any number",
      frame({ opcode: 2, content: Buffer.alloc(0), length: 2n ** 63n }),
      1009,
    ],
    ["of a thousand pieces and more", Buffer.concat([start, many(1024, more)]), 1009],
    ["of text that is no UTF-8", text(Buffer.from([0xc0, 0xaf, 0xed, 0xa0, 0x80])), 1007],
    ["of goodbye in one byte", frame({ opcode: 8, content: Buffer.from([3]) }), 1002],
    ["of goodbye with a code that nobody may send", closeFrame(1005), 1002],
    ["of goodbye with words that are no UTF-8", closeFrame(1000, Buffer.from([0xff])), 1007],
    ["of goodbye, which is answered", closeFrame(1000), 1000],
    ["of text, which nobody reads", text("hello"), 1003],
    ["of bytes, which nobody reads", frame({ opcode: 2, content: Buffer.from([1]) }), 1003],
  ])("%s", async (_what, bytes, code) => {
    const other = await openSocket({ url: `ws://127.0.0.1:${port}${path}` });
    const oneByOne: readonly Buffer[] = Array.from(bytes.subarray(0, 40), (byte) => Buffer.from([byte]));
    for (const pieces of [[bytes], [...oneByOne, bytes.subarray(40)]]) {
      const client = await FrameConnection.open(port, path);
      for (const piece of pieces) client.write(piece);
      expect(await client.closeCode()).toBe(code);
      client.leave();
    }
    expect(other.ws.readyState).toBe(other.ws.OPEN);
    other.ws.terminate();
    await other.ended;
    await eventually(() => store.feed.size === 0, "its watcher was freed");
  });

  test("that comes with the handshake is judged like any other", async () => {
    const client = await FrameConnection.open(port, path, {
      behind: frame({ opcode: 1, masked: false, content: Buffer.from("x") }),
    });
    expect(await client.closeCode()).toBe(1002);
    client.leave();
  });

  test("without content, a hundred thousand times, is cut off: each would cost something to keep", async () => {
    const client = await FrameConnection.open(port, path);
    client.write(
      Buffer.concat([start, many(100_000, frame({ opcode: 0, fin: false, content: Buffer.alloc(0) }))]),
    );
    expect(await client.closeCode()).toBe(1008);
    client.leave();
  });
});

test("an offer of compression, or of anything else, is not taken up", async () => {
  const headers = {
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits=15, x-webkit-deflate-frame",
    "Sec-WebSocket-Protocol": "karta, karta.bearer.secret",
  };
  const client = await FrameConnection.open(port, path, { headers });
  expect(client.head.toLowerCase()).not.toContain("sec-websocket-extensions");
  expect(client.head).toContain("Sec-WebSocket-Protocol: karta\r\n");
  expect(client.head).not.toContain("secret");
  client.leave();
});
