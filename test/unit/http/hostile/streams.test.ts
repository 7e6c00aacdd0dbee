/**
 * An agent, its tools, its users and its project say what would end a frame of a stream and begin one of their own. In
 * every dialect each event stays one frame, and the words arrive as they were said.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { httpBench, openStream, type OpenStream } from "../../../support/http.ts";
import { openSocket } from "../../../support/websocket.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port, harness } = bench;
const { script } = harness;

/** Every line end there is, and what would follow one. */
const EVIL = [
  "\n\nevent: done\ndata: {}\n\n",
  '\r\n\r\nevent: error\r\ndata: {"type":"error"}\r\n\r\n',
  "\r\revent: done\rdata: [DONE]\r\r",
  "\ndata: [DONE]\n\n",
  "\n\nid: 999999\nretry: 1\n: \n\n",
  "\u2028\u2029\u0085\v\f\0\ufeff",
  "\n\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n",
  "0\r\n\r\n",
  "</script><!--\u202e",
].join("");

beforeAll(() => {
  harness.script = (turn) => {
    turn.emit({ type: "system", subtype: EVIL, detail: { [EVIL]: EVIL } });
    turn.emit({ type: "reasoning", text: EVIL }).emit({ type: "step_start", description: EVIL });
    turn.emit({ type: "tool_use", id: EVIL, name: EVIL, input: { [EVIL]: EVIL } });
    turn.emit({ type: "tool_result", id: EVIL, isError: true, content: EVIL });
    turn.emit({ type: "step_finish", result: EVIL });
    for (const word of EVIL) turn.say(word); // the line end in one event, what follows it in the next
    turn.say(EVIL).end();
  };
});
afterAll(() => {
  harness.script = script;
});

/** `id: N`, `event: NAME`, one line of data, for a reader that knows more line ends too; or a comment of ours. */
const FRAME = /^(?:id: \d+\n)?(?:event: [a-z_.]+\n)?data: [^\r\n\v\f\u0085\u2028\u2029]+$|^: ping$/;

/** What the frames' data are, once each is seen to be one. */
function dataIn(said: string): string[] {
  expect(said.endsWith("\n\n")).toBe(true);
  return said
    .slice(0, -2)
    .split("\n\n")
    .flatMap((frame) => {
      expect(frame).toMatch(FRAME);
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      return data ?? [];
    });
}

const P = "/v1/projects/bot";
const asked = { model: "bot", messages: [{ role: "user", content: EVIL }], stream: true };
const user = { type: "user.message", content: [{ type: "text", text: EVIL }] };

/** Everything of a turn, by dialect. @returns the stream, read to what ends it */
const DIALECTS: Readonly<Record<string, { last: RegExp; open: (id: string) => Promise<OpenStream> }>> = {
  "the answer to a message": {
    last: /^event: done$/m,
    open: (id) =>
      openStream(port, {
        path: `/v1/sessions/${id}/messages`,
        body: { text: EVIL, stream: true, participant_name: "eve" },
      }),
  },
  "a session's events, internals too": {
    last: /^event: done$/m,
    open: async (id) => {
      await bench.ask(id, EVIL);
      return openStream(port, { path: `/v1/sessions/${id}/events?after=0&include=system` });
    },
  },
  "chat completions": {
    last: /^data: \[DONE\]$/m,
    open: () =>
      openStream(port, {
        path: `${P}/chat/completions`,
        body: { ...asked, stream_options: { include_usage: true } },
      }),
  },
  responses: {
    last: /^event: response\.completed$/m,
    open: () =>
      openStream(port, {
        path: `${P}/responses`,
        body: { model: "bot", input: EVIL, stream: true, metadata: { a: EVIL.slice(0, 500) } },
      }),
  },
  "Anthropic's messages": {
    last: /^event: message_stop$/m,
    open: () => openStream(port, { path: `${P}/anthropic/v1/messages`, body: { ...asked, max_tokens: 100 } }),
  },
  "Anthropic's managed agents": {
    last: /session\.status_idle/,
    open: async (id) => {
      const path = `${P}/anthropic/v1/sessions/${id}/events`;
      const stream = await openStream(port, { path: `${path}/stream` });
      (await openStream(port, { path, body: { events: [user] } })).leave();
      return stream;
    },
  },
  "managed agents": {
    last: /session\.status_idle/,
    open: async (id) => {
      const path = `${P}/managed-agents/sessions/${id}/events`;
      (await openStream(port, { path, body: { type: "user.message", text: EVIL } })).leave();
      return openStream(port, { path: `${path}/stream?after=0` });
    },
  },
};

/** All frames up to one like this. What an agent said has no line of its own, if all is well. */
async function untilFrame(stream: OpenStream, last: RegExp): Promise<string> {
  for (;;) {
    const frames = stream.said.split("\n\n");
    const at = frames.findIndex((frame, place) => place < frames.length - 1 && last.test(frame));
    if (at >= 0) return `${frames.slice(0, at + 1).join("\n\n")}\n\n`;
    await stream.untilLength(stream.said.length + 1);
  }
}

describe.each(Object.entries(DIALECTS))("%s", (_name, { last, open }) => {
  test("has one frame an event, and all of what was said in it", async () => {
    const stream = await open(await bench.create());
    expect(stream.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    const data = dataIn(await untilFrame(stream, last));
    stream.leave();
    const texts = data.filter((text) => text !== "[DONE]").map((text): unknown => JSON.parse(text));
    expect(data.filter((text) => text === "[DONE]").length).toBe(last.source.includes("DONE") ? 1 : 0);
    expect(JSON.stringify(texts)).toContain(JSON.stringify(EVIL).slice(1, -1));
    expect(texts.length).toBeGreaterThan(2);
  });
});

test("a WebSocket has one message an event, with the words as they were said", async () => {
  const id = await bench.create();
  await bench.ask(id, EVIL);
  const all = await bench.events(id);
  const socket = await openSocket({
    url: `ws://127.0.0.1:${port}/v1/sessions/${id}/events?after=0&include=system`,
  });
  await socket.until(all.length);
  expect(socket.said.map((text): unknown => JSON.parse(text))).toEqual(all);
  socket.ws.close();
});

test("an agent's name that is none is not repeated where a header or a frame could take it up", async () => {
  const id = await bench.create();
  const stream = await openStream(port, {
    path: `/v1/sessions/${id}/messages`,
    body: { text: "hi", stream: true, agent: EVIL },
  });
  await stream.end();
  expect(stream.status).toBe(422);
  expect(stream.said).not.toMatch(/[\r\n]/);
  expect(JSON.stringify(stream.headers)).not.toMatch(/set-cookie|done/i);
});
