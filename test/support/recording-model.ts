/** The offline model behind a door that notes what harnesses ask of it: their instructions, their tools. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { OfflineModel } from "../../daemon/offline-model/server.ts";
import { parseOfflineScript } from "../../daemon/offline-model/script.ts";

const RequestSchema = z.looseObject({
  model: z.string(),
  system: z.unknown().optional(),
  messages: z.array(z.looseObject({ role: z.string() })),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
});

export interface ModelRequest {
  /** The instructions, as JSON text. */
  readonly system: string;
  readonly tools: readonly string[];
  readonly model: string;
  /** The user's last message, as JSON text. */
  readonly asked: string;
}

export interface RecordingModel {
  readonly url: string;
  /** The requests that offered tools: a conversation's own, without the harness's side requests. Oldest first. */
  readonly requests: readonly ModelRequest[];
  stop(): Promise<void>;
}

/** @param script an `offline.toml` */
export async function startRecordingModel(script: string): Promise<RecordingModel> {
  const parsed = parseOfflineScript(script, "offline.toml");
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const model = new OfflineModel();
  model.setScript("any", parsed.script);
  await model.start();

  const requests: ModelRequest[] = [];
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await text(request);
      const asked = RequestSchema.safeParse(body === "" ? null : JSON.parse(body));
      if (asked.success && (asked.data.tools?.length ?? 0) > 0) {
        requests.push({
          system: JSON.stringify(asked.data.system),
          tools: asked.data.tools?.map(({ name }) => name) ?? [],
          model: asked.data.model,
          asked: JSON.stringify(asked.data.messages.findLast(({ role }) => role === "user")),
        });
      }
      const forwarded = await fetch(model.baseUrl("any") + (request.url ?? ""), {
        method: request.method ?? "POST",
        ...(body === "" ? {} : { body, headers: { "content-type": "application/json" } }),
      });
      response.writeHead(forwarded.status, { "content-type": forwarded.headers.get("content-type") ?? "" });
      for await (const piece of forwarded.body ?? []) response.write(piece);
      response.end();
    };
    answer().catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the recording model does not listen");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await model.stop();
    },
  };
}
