/** Requests on a kartad's control socket, just as they are given. */
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";

export interface ControlAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** @param body sent as JSON */
export function askControl(
  socketPath: string,
  method: string,
  path: string,
  asked: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown } = {},
): Promise<ControlAnswer> {
  const { headers, body } = asked;
  return new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { "Content-Type": "application/json" };
    const sent = httpRequest(
      { socketPath, method, path, agent: false, headers: { ...json, ...headers } },
      (response) => {
        text(response).then(
          (said) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: said }),
          reject,
        );
      },
    );
    sent.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The same, for what must work. @throws when it is refused */
export async function onControl(socketPath: string, method: string, path: string, body?: unknown) {
  const answer = await askControl(socketPath, method, path, { body });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body === "" ? "{}" : answer.body) as unknown;
}
