/** A managed-agents stream goes out as HTTP alone, also to a client that asks for a WebSocket; and it ends when kartad stops. */
import { expect, test } from "@jest/globals";
import { httpBench, openStream } from "../../../support/http.ts";
import { ManagedAgentsClient } from "../../../support/managed-agents.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());

test("a stream on a connection that asked for a WebSocket ends when kartad stops", async () => {
  const id = await new ManagedAgentsClient(`${bench.url}/v1/projects/bot`).create();
  const stream = await openStream(bench.port, {
    path: `/v1/projects/bot/managed-agents/sessions/${id}/events/stream`,
    headers: {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
  });
  expect(stream.status).toBe(200);
  expect(stream.headers.connection).toBe("close"); // no next request may be sent on it
  expect(stream.isOver).toBe(false);
  bench.sockets.close();
  await stream.end();
});
