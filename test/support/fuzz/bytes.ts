/** Requests that are hardly HTTP any more: good ones with bytes lost, doubled and changed. */
import fc from "fast-check";
import { RawConnection, wholeAnswer } from "../raw-connection.ts";

const JSON_HEAD = "HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const GOOD = [
  "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET /v1/sessions?limit=2&metadata.a=b HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
  `POST /v1/sessions ${JSON_HEAD}Content-Length: 23\r\n\r\n{"metadata":{"a":"bc"}}`,
  `POST /v1/sessions ${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n{"met\r\nb\r\nadata":{}}\r\n\r\n0\r\n\r\n`,
  "GET /v1/sessions/sess_0/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 3\r\nConnection: close\r\n\r\n",
  "GET /metrics HTTP/1.0\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
  `POST /v1/chat/completions ${JSON_HEAD}Content-Length: 62\r\n\r\n{"model":"bot","messages":[{"role":"user","content":"hi"}]}    `,
  "GET /v1/sessions/sess_0/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\x01\x02\x03\x04abcde",
];

interface Change {
  readonly at: number;
  readonly gone: number;
  readonly come: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(200),
  gone: fc.nat(6),
  come: fc.oneof(
    fc.constantFrom(
      "",
      "\r\n",
      "\n",
      "\0",
      ":",
      " ",
      "\r",
      "\r\n\r\n",
      "Content-Length: 5\r\n",
      "Content-Length: +5\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: \tchunked, identity\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Host: evil.example\r\n",
      "5;a=b\r\n",
      "\r\n folded",
      "http://evil.example",
      "\x80\xff",
      "9".repeat(30),
    ),
    fc.string({ maxLength: 8 }),
  ),
});

/** What is sent, in pieces. */
export const spoiltBytes: fc.Arbitrary<string[]> = fc
  .tuple(
    fc.array(fc.constantFrom(...GOOD), { minLength: 1, maxLength: 3 }),
    fc.array(change, { maxLength: 4 }),
    fc.nat(300),
  )
  .map(([good, changes, cut]) => {
    const text = changes.reduce(
      (whole, { at, gone, come }) => whole.slice(0, at) + come + whole.slice(at + gone),
      good.join(""),
    );
    return [text.slice(0, cut), text.slice(cut)];
  });

/** Sends the pieces and hears the server out. @returns its first answer; null when it gave none */
export async function heardOut(port: number, pieces: readonly string[]) {
  const connection = await RawConnection.open(port);
  for (const piece of pieces) connection.write(piece);
  connection.end();
  await connection.closed();
  return wholeAnswer(connection.said);
}
