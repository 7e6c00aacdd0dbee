/**
 * What no client that is well would send: requests that two servers could read differently, and so hide a second one in
 * them. Each with the statuses of all answers it gets on the HTTP port and on the control socket; then the connection is
 * closed. A hidden request that is answered shows as one status more.
 */

const HOST = "Host: localhost\r\n";
const JSON_TYPE = "Content-Type: application/json\r\n";
const POST = `POST /v1/sessions HTTP/1.1\r\n${HOST}${JSON_TYPE}`;
const PLAIN = `GET /v1/sessions HTTP/1.1\r\n${HOST}\r\n`;
/** What a smuggler would hide. */
const HIDDEN = PLAIN;
const CHUNKED = "Transfer-Encoding: chunked\r\n\r\n";
const BODY = "2\r\n{}\r\n0\r\n\r\n";

export interface WireCase {
  readonly what: string;
  readonly bytes: string;
  /** On the HTTP port. */
  readonly world: string;
  /** On the control socket, where it is not the same. */
  readonly operator?: string;
}

const row = (what: string, bytes: string, world: string, operator?: string): WireCase => ({
  what,
  bytes,
  world,
  ...(operator === undefined ? {} : { operator }),
});
/** A body by this head, with a request hidden behind its end. */
const framed = (head: string, body: string): string => `${POST}${head}${body}${HIDDEN}`;

export const WIRE_CASES: readonly WireCase[] = [
  // Two lengths.
  row("a length, then chunks", framed(`Content-Length: 4\r\n${CHUNKED}`, "0\r\n\r\n"), "400"),
  row(
    "chunks, then a length",
    framed("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", "0\r\n\r\n"),
    "400",
  ),
  row("the same length twice", framed("Content-Length: 2\r\nContent-Length: 2\r\n\r\n", "{}"), "400"),
  row("two lengths", framed("Content-Length: 2\r\nContent-Length: 40\r\n\r\n", "{}"), "400"),
  ...["2, 2", "+2", "-2", "0x2", "2e0", "2 2", "", "\u0662", "99999999999999999999", "2;"].map((length) =>
    row(`the length "${length}"`, framed(`Content-Length: ${length}\r\n\r\n`, "{}"), "400"),
  ),
  row("a length with spaces around it", framed("Content-Length:   2  \r\n\r\n", "{}"), "201 200"),
  // Codings.
  ...[
    "chunked, identity",
    "identity",
    "xchunked",
    "chunked;q=1",
    "\x0bchunked",
    '"chunked"',
    "chunked chunked",
    "",
  ].map((coding) =>
    row(`the coding ${JSON.stringify(coding)}`, framed(`Transfer-Encoding: ${coding}\r\n\r\n`, BODY), "400"),
  ),
  ...["gzip, chunked", "identity, chunked", "chunked, chunked"].map((coding) =>
    row(`the coding ${JSON.stringify(coding)}`, framed(`Transfer-Encoding: ${coding}\r\n\r\n`, BODY), "400"),
  ),
  row(
    "two codings",
    framed("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", BODY),
    "400",
  ),
  row(
    "two codings, chunks first",
    framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", BODY),
    "400",
  ),
  row("a space before the colon of a coding", framed("Transfer-Encoding : chunked\r\n\r\n", BODY), "400"),
  row("a tab before the colon of a length", framed("Content-Length\t: 2\r\n\r\n", "{}"), "400"),
  row("a folded coding", framed("Transfer-Encoding:\r\n chunked\r\n\r\n", BODY), "400"),
  row("a folded header", `GET /v1/sessions HTTP/1.1\r\n${HOST}X-A: b\r\n c\r\n\r\n`, "400"),
  row("a coding in another case", framed("tRANSFER-eNCODING: cHUNKED\r\n\r\n", BODY), "201 200"),
  // Line ends and bytes.
  row("bare line feeds", PLAIN.replaceAll("\r\n", "\n"), "400"),
  row("a bare line feed after a header", `${PLAIN.slice(0, -4)}\nX-A: b\r\n\r\n`, "400"),
  row("a bare carriage return in a header", `GET /v1/sessions HTTP/1.1\r\n${HOST}X-A: b\rc\r\n\r\n`, "400"),
  row("a NUL in a header", `GET /v1/sessions HTTP/1.1\r\n${HOST}X-A: b\0c\r\n\r\n`, "400"),
  row("a NUL in the path", `GET /v1/ses\0sions HTTP/1.1\r\n${HOST}\r\n`, "400"),
  row("a space in the path", `GET /v1/sessions x HTTP/1.1\r\n${HOST}\r\n`, "400"),
  row("bytes that are no ASCII in the path", `GET /v1/sessions/\xff\xfe HTTP/1.1\r\n${HOST}\r\n`, "400"),
  row("a header without a colon", `GET /v1/sessions HTTP/1.1\r\n${HOST}X-A\r\n\r\n`, "400"),
  row("a space in front of the first header", `GET /v1/sessions HTTP/1.1\r\n ${HOST}\r\n`, "400"),
  row("empty lines in front", `\r\n\r\n${PLAIN}`, "200"),
  // Chunks.
  row("a chunk with an extension", framed(CHUNKED, "2;a=b\r\n{}\r\n0\r\n\r\n"), "201 200"),
  row("a chunk with a huge extension", framed(CHUNKED, `2;${"a".repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), "400"),
  row("a chunk with a bare line feed in its extension", framed(CHUNKED, "2;a\n{}\r\n0\r\n\r\n"), "400"),
  row("a chunk's size and a bare line feed", framed(CHUNKED, "2\n{}\r\n0\r\n\r\n"), "400"),
  row("a chunk that is longer than it says", framed(CHUNKED, "1\r\n{}\r\n0\r\n\r\n"), "400"),
  ...["-2", "0x2", "+2", "2 ", "g", "", "FFFFFFFFFFFFFFFFF"].map((size) =>
    row(`a chunk of the size "${size}"`, framed(CHUNKED, `${size}\r\n{}\r\n0\r\n\r\n`), "400"),
  ),
  row(
    "trailers that say another length and Host",
    framed(CHUNKED, "2\r\n{}\r\n0\r\nContent-Length: 60\r\nHost: evil.example\r\n\r\n"),
    "400",
  ),
  // A second request on the connection.
  row("two requests at once, which is allowed", PLAIN + PLAIN, "200 200"),
  row("a good request behind a bad body", `${POST}Content-Length: 2\r\n\r\n{]${PLAIN}`, "400 200"),
  row("a request behind what is no HTTP", `nonsense\r\n\r\n${PLAIN}`, "400"),
  row(
    "a request as the body of one that is refused",
    `POST /v1/sessions HTTP/1.1\r\n${HOST}Origin: https://evil.example\r\n${JSON_TYPE}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    "403",
  ),
  row(
    "a request as a body of another type",
    `POST /v1/sessions HTTP/1.1\r\n${HOST}Content-Type: text/plain\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    "415",
  ),
  row(
    "a request as the body of a GET",
    `GET /v1/sessions HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    "200",
  ),
  row(
    "a request as the chunk of a GET",
    `GET /v1/sessions HTTP/1.1\r\n${HOST}${CHUNKED}${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`,
    "200",
  ),
  row(
    "a request behind an expectation",
    `${POST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}${PLAIN}`,
    "100 201 200",
  ),
  row(
    "a request behind one that closes",
    `GET /v1/sessions HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n${PLAIN}`,
    "",
  ),
  row(
    "a request behind another protocol",
    `GET /v1/sessions HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n${PLAIN}`,
    "200",
  ),
  row(
    "a request behind a WebSocket that is refused",
    `GET /v1/sessions/x/events HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n${PLAIN}`,
    "404",
  ),
  // Targets.
  row("a whole URL of this host", `GET http://localhost/v1/sessions HTTP/1.1\r\n${HOST}\r\n`, "200"),
  row(
    "a whole URL of another host",
    `GET http://evil.example/v1/sessions HTTP/1.1\r\n${HOST}\r\n`,
    "403",
    "200",
  ),
  row(
    "a whole URL of this host behind a name",
    `GET http://localhost@evil.example/v1/sessions HTTP/1.1\r\n${HOST}\r\n`,
    "403",
    "200",
  ),
  row("a whole URL of another protocol", `GET ftp://localhost/v1/sessions HTTP/1.1\r\n${HOST}\r\n`, "200"),
  row("a host and a port", `GET evil.example:80 HTTP/1.1\r\n${HOST}\r\n`, "400"),
  row("a host without a protocol", `GET //evil.example/v1/sessions HTTP/1.1\r\n${HOST}\r\n`, "404"),
  row("CONNECT", `CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example:80\r\n\r\n${PLAIN}`, "400", ""),
  row("OPTIONS *", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, "404"),
  row("a fragment", `GET /v1/sessions#x HTTP/1.1\r\n${HOST}\r\n`, "200"),
  row("no target", `GET  HTTP/1.1\r\n${HOST}\r\n`, "400"),
  row("a question mark alone", `GET ? HTTP/1.1\r\n${HOST}\r\n`, "400"),
  // Versions and hosts.
  row("HTTP/1.0", `GET /v1/sessions HTTP/1.0\r\n${HOST}\r\n`, "200"),
  row("HTTP/1.0 without a Host", "GET /v1/sessions HTTP/1.0\r\n\r\n", "403", "200"),
  row("HTTP/1.0 with chunks", `POST /v1/sessions HTTP/1.0\r\n${HOST}${JSON_TYPE}${CHUNKED}${BODY}`, "201"),
  row("HTTP/0.9", "GET /v1/sessions\r\n\r\n", "403", "200"),
  row("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
  row("HTTP/1.2", `GET /v1/sessions HTTP/1.2\r\n${HOST}\r\n`, "400"),
  row("HTTP/9.9", `GET /v1/sessions HTTP/9.9\r\n${HOST}\r\n`, "400"),
  row("another protocol's name", `GET /v1/sessions RTSP/1.0\r\n${HOST}\r\n`, "200"),
  row("no Host", "GET /v1/sessions HTTP/1.1\r\n\r\n", "403", ""),
  row("an empty Host", "GET /v1/sessions HTTP/1.1\r\nHost: \r\n\r\n", "403", "200"),
  row("two Hosts", `GET /v1/sessions HTTP/1.1\r\n${HOST}Host: evil.example\r\n\r\n`, "400"),
  row("the same Host twice", `GET /v1/sessions HTTP/1.1\r\n${HOST}${HOST}\r\n`, "400"),
  row("two content types", `${POST}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`, "400"),
  row(
    "two credentials",
    `GET /v1/sessions HTTP/1.1\r\n${HOST}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`,
    "400",
  ),
  row(
    "two Origins",
    `GET /v1/sessions HTTP/1.1\r\n${HOST}Origin: http://localhost\r\nOrigin: https://evil.example\r\n\r\n`,
    "403",
  ),
  row("a method that is none", `FROB /v1/sessions HTTP/1.1\r\n${HOST}\r\n`, "400"),
  row("a method in lower case", `get /v1/sessions HTTP/1.1\r\n${HOST}\r\n`, "400"),
];
