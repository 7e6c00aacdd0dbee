/** An app's tools over loopback HTTP, as MCP's own client and the relay for stdio reach them; and who does not. */
import { afterAll, describe, expect, jest, test } from "@jest/globals";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { createConnection } from "node:net";
import { networkInterfaces } from "node:os";
import path from "node:path";
import type { ToolCall, ToolResult } from "../../../daemon/harness/harness.ts";
import { ToolGateway, type ToolEndpoint } from "../../../daemon/harness/tool-gateway.ts";
import { packageRoot } from "../../../shared/paths.ts";
import { eventuallyIs } from "../../support/processes.ts";
import { RawConnection } from "../../support/raw-connection.ts";
import { silent } from "../apps/temp-project.ts";

jest.setTimeout(30_000);

const gateway = new ToolGateway({ logger: silent });
afterAll(() => gateway.stop());

const TOOLS = ["look_up", "wait"].map((name) => ({
  name,
  description: `Does ${name}.`,
  inputSchema: { properties: { id: { type: "string" } }, required: ["id"] },
  timeoutSeconds: 60,
}));

interface Bench {
  readonly endpoint: ToolEndpoint;
  readonly calls: ToolCall[];
}

/** @param answer what a call gives; its own arguments when left out */
async function open(
  answer: (call: ToolCall) => Promise<ToolResult> = ({ input }) =>
    Promise.resolve({ isError: false, content: JSON.stringify(input) }),
): Promise<Bench> {
  const calls: ToolCall[] = [];
  const call = (asked: ToolCall): Promise<ToolResult> => {
    calls.push(asked);
    return answer(asked);
  };
  return { calls, endpoint: await gateway.open({ tools: TOOLS, call }) };
}

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

async function overHttp({ url, key }: ToolEndpoint): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: bearer(key) } }),
  );
  return client;
}

async function overRelay({ url, key }: ToolEndpoint): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  const relay = path.join(packageRoot(), "daemon/bin/tool-relay.js");
  const env = { KARTA_TOOLS_URL: url, KARTA_TOOLS_KEY: key };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [relay], env }));
  return client;
}

/** Settles with what a call's signal says once it fires. */
const untilGivenUp = ({ signal }: ToolCall): Promise<ToolResult> =>
  new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve({ isError: true, content: "given up" })),
  );

describe.each([
  ["HTTP", overHttp],
  ["the relay", overRelay],
] as const)("over %s", (_, connect) => {
  test("tools are listed and called, several at once, and an error is the agent's to read", async () => {
    const { endpoint, calls } = await open(({ name, input }) =>
      Promise.resolve({ isError: name === "wait", content: JSON.stringify(input) }),
    );
    const client = await connect(endpoint);
    const { tools } = await client.listTools();
    expect(tools).toMatchObject([
      { name: "look_up", description: "Does look_up.", inputSchema: { type: "object", required: ["id"] } },
      { name: "wait" },
    ]);
    const results = await Promise.all(
      ["a", "b", "c"].map((id) => client.callTool({ name: "look_up", arguments: { id } })),
    );
    expect(results.map(({ content }) => content)).toEqual(
      ["a", "b", "c"].map((id) => [{ type: "text", text: JSON.stringify({ id }) }]),
    );
    expect(await client.callTool({ name: "wait", arguments: { id: "x" } })).toMatchObject({ isError: true });
    expect(calls.length).toBe(4);
    await client.close();
    endpoint.close();
  });

  test("a call that the agent gives up is given up in the app", async () => {
    const begun = Promise.withResolvers<ToolCall>();
    const { endpoint } = await open((call) => {
      begun.resolve(call);
      return untilGivenUp(call);
    });
    const client = await connect(endpoint);
    const wanted = new AbortController();
    const calling = client.callTool({ name: "wait", arguments: { id: "x" } }, undefined, {
      signal: wanted.signal,
    });
    const { signal } = await begun.promise;
    const givenUp = new Promise((resolve) => signal.addEventListener("abort", resolve));
    wanted.abort();
    await expect(calling).rejects.toThrow();
    await givenUp;
    await client.close();
    endpoint.close();
  });

  test("so is one whose agent is gone", async () => {
    const begun = Promise.withResolvers<ToolCall>();
    const { endpoint } = await open((call) => {
      begun.resolve(call);
      return untilGivenUp(call);
    });
    const client = await connect(endpoint);
    const calling = client.callTool({ name: "wait", arguments: { id: "x" } });
    const { signal } = await begun.promise;
    const givenUp = new Promise((resolve) => signal.addEventListener("abort", resolve));
    await Promise.all([client.close(), expect(calling).rejects.toThrow(), givenUp]);
    endpoint.close();
  });
});

test("each key reaches its own conversation's tools, also with the same numbers at once; two clients may share one", async () => {
  const mine = await open(() => Promise.resolve({ isError: false, content: "mine" }));
  const others = await open(() => Promise.resolve({ isError: false, content: "other's" }));
  const clients = await Promise.all([
    overHttp(mine.endpoint),
    overHttp(mine.endpoint),
    overHttp(others.endpoint),
  ]);
  const said = await Promise.all(
    clients.map((client) => client.callTool({ name: "look_up", arguments: { id: "x" } })),
  );
  expect(said.map(({ content }) => content)).toEqual(
    ["mine", "mine", "other's"].map((text) => [{ type: "text", text }]),
  );
  mine.endpoint.close();
  await expect(clients[0].listTools()).rejects.toThrow(/401|no conversation has this key/);
  await clients[2].listTools();
  others.endpoint.close();
});

describe("nobody else is served", () => {
  const LIST = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  let endpoint: ToolEndpoint;
  const post = (headers: Record<string, string>, body = LIST, more: RequestInit = {}) =>
    fetch(endpoint.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body,
      ...more,
    });

  test.each([
    ["no key", 401, {}],
    ["a wrong key", 401, bearer("wrong")],
    ["a web page", 403, { Origin: "https://evil.example" }],
  ])("%s is refused with %i", async (_, status, headers) => {
    ({ endpoint } = await open());
    const response = await post({ ...("Origin" in headers ? bearer(endpoint.key) : {}), ...headers });
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain("look_up");
    endpoint.close();
  });

  test("another name for the host is refused: a page may have its own name point here", async () => {
    ({ endpoint } = await open());
    const { port } = new URL(endpoint.url);
    const socket = createConnection({ host: "127.0.0.1", port: Number(port) });
    socket.end(
      `POST /mcp HTTP/1.1\r\nHost: evil.example:${port}\r\nAuthorization: Bearer ${endpoint.key}\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(String(await socket.setEncoding("utf8").toArray())).toMatch(/^HTTP\/1.1 403/);
    endpoint.close();
  });

  test("nothing but POSTs of one message of a bounded size", async () => {
    ({ endpoint } = await open());
    const headers = bearer(endpoint.key);
    expect((await fetch(endpoint.url, { headers })).status).toBe(405);
    expect((await fetch(`${endpoint.url}/x`, { method: "POST", headers })).status).toBe(404);
    expect((await post(headers, "{")).status).toBe(400);
    expect((await post(headers, `[${LIST}]`)).status).toBe(400);
    const big = JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "x",
      params: { x: "x".repeat(1024 * 1024) },
    });
    expect((await post(headers, big)).status).toBe(413);
    expect((await post(headers)).status).toBe(200);
    endpoint.close();
  });

  test("more than 64 calls of a conversation at once are refused; the others are answered", async () => {
    const gate = Promise.withResolvers<ToolResult>();
    const bench = await open(() => gate.promise);
    ({ endpoint } = bench);
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "wait" } });
    const statuses = (
      await Promise.all(Array.from({ length: 70 }, () => post(bearer(endpoint.key), body)))
    ).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429).length).toBe(6);
    gate.resolve({ isError: false, content: "" });
    endpoint.close();
  });

  /** Sends a call but for its last byte. */
  async function almostSent(): Promise<RawConnection> {
    const { port, host } = new URL(endpoint.url);
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "wait" } });
    const head = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${endpoint.key}\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`;
    const connection = (await RawConnection.open(Number(port))).write(head);
    await connection.until("100 Continue");
    return connection.write(body.slice(0, -1));
  }

  test("those count that are still being sent", async () => {
    ({ endpoint } = await open());
    const sending = await Promise.all(Array.from({ length: 64 }, almostSent));
    expect((await post(bearer(endpoint.key))).status).toBe(429);
    for (const connection of sending) connection.leave();
    await eventuallyIs(async () => (await post(bearer(endpoint.key))).status, 200);
    endpoint.close();
  });

  test("a call that was still being sent when its conversation ended is not made", async () => {
    const bench = await open();
    ({ endpoint } = bench);
    const connection = await almostSent();
    endpoint.close();
    connection.write("}");
    await connection.until("HTTP/1.1 401");
    await connection.closed();
    expect(bench.calls).toEqual([]);
  });

  test("no other address of this machine answers", async () => {
    ({ endpoint } = await open());
    const { port } = new URL(endpoint.url);
    const outer = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .find(({ family, internal }) => family === "IPv4" && !internal);
    if (outer !== undefined)
      await expect(fetch(`http://${outer.address}:${port}/mcp`)).rejects.toThrow("fetch failed");
    endpoint.close();
  });
});
