/** Requests by `fetch`: in Node and in browsers. Nothing of Node may be imported here. */
import { systemErrorCode } from "../errors.ts";
import { ConnectionError, type ConnectionFailure } from "./errors.ts";
import type { Transport, TransportAnswer } from "./transport.ts";

/** Codes of Node's fetch that come after the request went out. Any other of its codes means that it did not. */
const AFTER_SENDING: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_SOCKET",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
]);

/**
 * @param url where kartad listens, `http://127.0.0.1:8000`; what has a path goes on below that path
 * @throws TypeError for what is no http URL, or holds a password: fetch would put that into its errors
 */
export function fetchTransport(url: string): Transport {
  const base = baseOf(url);
  return {
    request: async ({ method, path, headers, body, signal }) => {
      let response: Response;
      try {
        response = await fetch(base + path, {
          method,
          headers,
          body,
          redirect: "error", // Karta never redirects, and a key must not travel on to another address
          ...(signal === undefined ? {} : { signal }),
        });
      } catch (cause) {
        signal?.throwIfAborted();
        throw new ConnectionError(failureOf(cause), `no answer from ${base}`, cause);
      }
      return answerOf(response, base, signal);
    },
  };
}

function baseOf(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url); // URL.parse is not in Node 20
  } catch {
    throw new TypeError("url: expected one like http://127.0.0.1:8000");
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
    throw new TypeError(`url: expected http or https, found ${parsed.protocol}`);
  if (parsed.username !== "" || parsed.password !== "")
    throw new TypeError("url: expected no user and password; give the key as apiKey");
  return (parsed.origin + parsed.pathname).replace(/\/+$/, "");
}

function answerOf(response: Response, base: string, signal: AbortSignal | undefined): TransportAnswer {
  const reader = response.body?.getReader() ?? null;
  const close = () => reader?.cancel().catch(() => undefined);
  return {
    status: response.status,
    header: (name) => response.headers.get(name),
    chunks: reader === null ? nothing() : decoded(reader, base, signal),
    close: () => void close(),
  };
}

async function* nothing(): AsyncGenerator<string> {
  // A body that is not there has no chunks.
}

async function* decoded(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  base: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(); // with `stream` it keeps half a character for the next chunk
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const text = decoder.decode(value, { stream: true });
      if (text !== "") yield text;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ConnectionError("broken", `${base} went away before its answer was complete`, cause);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** A browser does not say what went wrong: then nobody knows whether the request was taken. */
function failureOf(error: unknown): ConnectionFailure {
  // Not `instanceof Error`: an error of another realm (jest's, a vm's) is one too.
  const says = typeof error === "object" && error !== null && "cause" in error;
  if (!says || error.cause === undefined) return "broken";
  return AFTER_SENDING.has(systemErrorCode(error.cause) ?? "") ? "broken" : "refused";
}
