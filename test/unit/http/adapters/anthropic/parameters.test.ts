/** Each row of the tables of parameters, through the official client: taken, passed over, or refused by its name. */
import { describe, expect, test } from "@jest/globals";
import Anthropic from "@anthropic-ai/sdk";
import {
  CREATE_SESSION,
  LIST_EVENTS,
  LIST_SESSIONS,
  SEND_EVENTS,
  STREAM_EVENTS,
  UPDATE_SESSION,
} from "../../../../../daemon/http/adapters/anthropic/managed/parameters.ts";
import { MESSAGE_PARAMETERS } from "../../../../../daemon/http/adapters/anthropic/parameters.ts";
import type { ParameterTable } from "../../../../../daemon/http/adapters/parameters.ts";
import { anthropicOf, saying } from "../../../../support/anthropic.ts";
import { httpBench } from "../../../../support/http.ts";
import { spawnerForTests } from "../../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const client = anthropicOf(bench.url);
const session = await bench.create();

type Body = Readonly<Record<string, unknown>>;

/** A request with this value at a dotted place. */
function withValue(base: Body, name: string, value: unknown): Body {
  const [first = "", ...rest] = name.split(".");
  if (rest.length === 0) return { ...base, [first]: value };
  const inner = base[first];
  const object = typeof inner === "object" && inner !== null ? Object.fromEntries(Object.entries(inner)) : {};
  return { ...base, [first]: withValue(object, rest.join("."), value) };
}

interface Call {
  readonly name: string;
  readonly table: ParameterTable;
  readonly base: Body;
  readonly ask: (given: Body) => Promise<Response>;
}

/** Headers alone: what is streamed is nobody's here. */
async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
}

const CALLS: readonly Call[] = [
  {
    name: "Messages",
    table: MESSAGE_PARAMETERS,
    base: { ...saying("hello"), thinking: { type: "adaptive" } },
    ask: (body) => client.post("/v1/messages", { body }).asResponse(),
  },
  {
    name: "creating a session",
    table: CREATE_SESSION,
    base: { agent: { type: "agent", id: "bot" }, environment_id: "bot" },
    ask: (body) => client.post("/v1/sessions", { body }).asResponse(),
  },
  {
    name: "changing a session",
    table: UPDATE_SESSION,
    base: {},
    ask: (body) => client.post(`/v1/sessions/${session}`, { body }).asResponse(),
  },
  {
    name: "listing sessions",
    table: LIST_SESSIONS,
    base: {},
    ask: (given) => client.get("/v1/sessions", { query: queryOf(given) }).asResponse(),
  },
  {
    name: "listing events",
    table: LIST_EVENTS,
    base: {},
    ask: (given) => client.get(`/v1/sessions/${session}/events`, { query: queryOf(given) }).asResponse(),
  },
  {
    name: "watching events",
    table: STREAM_EVENTS,
    base: {},
    ask: (given) =>
      client.get(`/v1/sessions/${session}/events/stream`, { query: queryOf(given) }).asResponse(),
  },
];

/** The client writes `[]` behind a list's name by itself; one that asks for nothing is left out. */
function queryOf(given: Body): Record<string, unknown> {
  const named = Object.entries(given).map(([name, value]): [string, unknown] => [
    name.replace(/\[\]$/, ""),
    value,
  ]);
  return Object.fromEntries(named.filter(([, value]) => value !== null));
}

describe.each(CALLS)("$name:", ({ table, base, ask }) => {
  const rows = Object.entries(table).map(([name, parameter]) => ({ name, ...parameter }));

  test.each(rows.filter(({ treatment }) => treatment !== "refused"))(
    "$name is $treatment",
    async ({ name, example }) => {
      expect(await statusOf(ask(withValue(base, name, example)))).toBe(200);
    },
  );

  const refusedRows = rows.filter(({ treatment }) => treatment === "refused");
  if (refusedRows.length > 0) {
    test.each(refusedRows)("$name is refused", async ({ name, example, note, passes = [] }) => {
      const refused = await ask(withValue(base, name, example)).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(Anthropic.BadRequestError);
      expect(refused).toMatchObject({
        apiMessage: expect.stringContaining(`${name}: not supported here: ${note}`),
        details: { issues: [{ path: name }] },
      });
      for (const harmless of [null, ...passes])
        expect(await statusOf(ask(withValue(base, name, harmless)))).toBe(200);
    });
  }

  test("one that nobody knows is refused", async () => {
    await expect(ask({ ...base, surprise: 1 })).rejects.toThrow(Anthropic.BadRequestError);
  });
});

describe("events that are sent:", () => {
  const rows = Object.entries(SEND_EVENTS).map(([name, parameter]) => ({ name, ...parameter }));
  const send = (event: unknown): Promise<unknown> => {
    const hello = { type: "user.message", content: [{ type: "text", text: "hello" }] };
    const isBeside =
      typeof event === "object" && event !== null && "type" in event && event.type === "system.message";
    const events = isBeside ? [hello, event] : [event];
    return client.post(`/v1/sessions/${session}/events`, { body: { events } }).then(
      () => null,
      (error: unknown) => error,
    );
  };

  test.each(rows.filter(({ treatment }) => treatment === "supported"))(
    "$name is supported",
    async ({ name, example }) => {
      const error = await send(example);
      // Nothing waits for an answer here: that is told of the id, not of the event.
      if (/confirmation|custom_tool_result/.test(name))
        expect(error).toMatchObject({ apiMessage: expect.stringContaining("nothing of this id waits") });
      else expect(error).toBeNull();
    },
  );

  test.each(rows.filter(({ treatment }) => treatment === "refused"))(
    "$name is refused",
    async ({ name, example, note }) => {
      const error = await send(example);
      expect(error).toBeInstanceOf(Anthropic.BadRequestError);
      expect(error).toMatchObject({
        apiMessage: expect.stringContaining(`${name} is not supported here: ${note}`),
      });
    },
  );
});
