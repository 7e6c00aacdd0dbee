/** The Responses API on scripted agents, asked by OpenAI's own client. */
import type OpenAI from "openai";
import { spawnerForTests } from "../unit/apps/temp-project.ts";
import { httpBench, type HttpBench } from "./http.ts";
import { openAi } from "./openai.ts";

export interface Ran {
  readonly response: OpenAI.Responses.Response;
  readonly sessionId: string;
  /** What the agent was sent. */
  readonly heard: string;
}

export interface ResponsesBench extends HttpBench {
  readonly client: OpenAI;
  readonly run: (
    params: Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, "stream">,
    headers?: Record<string, string>,
  ) => Promise<Ran>;
  /** Goes on from an earlier one. */
  readonly go: (input: string, previous?: Ran) => Promise<Ran>;
  /** From now on turns are the test's to end, up to `byItself`. */
  readonly byHand: () => void;
  readonly byItself: () => void;
}

/** Call at a test file's top level. */
export async function responsesBench(): Promise<ResponsesBench> {
  const bench = await httpBench(spawnerForTests());
  const { harness, url } = bench;
  const { script } = harness;
  const client = openAi(url);
  const run: ResponsesBench["run"] = async (params, headers = {}) => {
    const call = client.responses.create({ model: "bot", ...params }, { headers });
    const { data, response } = await call.withResponse();
    return {
      response: data,
      sessionId: response.headers.get("x-karta-session") ?? "",
      heard: harness.said.at(-1) ?? "",
    };
  };
  return {
    ...bench,
    client,
    run,
    go: (input, previous) =>
      run({ input, ...(previous === undefined ? {} : { previous_response_id: previous.response.id }) }),
    byHand: () => (harness.script = () => undefined),
    byItself: () => (harness.script = script),
  };
}
