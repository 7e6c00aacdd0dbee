/** Bodies that are made to change what every object has, to be taken for something else, or to be read as another page's. */
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { httpBench, rawRequest } from "../../../support/http.ts";
import { pathTo, ROUTES, type HostileRoute } from "../../../support/hostile/routes.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port } = bench;
const id = await bench.create();
const JSON_TYPE = { "Content-Type": "application/json" };
const values = { id, conversation_id: id, model: "bot", agent: "bot", environment: "bot" };

const withBody = ROUTES.filter(({ takesBody }) => takesBody);

function send(route: HostileRoute, body: string | Buffer, headers: Record<string, string> = JSON_TYPE) {
  return rawRequest(port, route.method, pathTo(route, values), headers, body);
}

/** The same body with one more field, written by hand: `JSON.stringify` would not. */
const plus = ({ line }: HostileRoute, field: string): string =>
  JSON.stringify(line.body).replace(
    /^\{/,
    line.body && Object.keys(line.body).length > 0 ? `{${field},` : `{${field}`,
  );

const POLLUTERS = [
  `"constructor":{"prototype":{"polluted":1}}`,
  `"metadata":{"constructor":{"prototype":{"polluted":1}}}`,
  `"constructor.prototype.polluted":1,"__proto__.polluted":1`,
  `"toString":null,"hasOwnProperty":1,"valueOf":{"polluted":1}`,
  `"__defineGetter__":{"polluted":1},"then":{"polluted":1}`,
];

describe.each(withBody)("$name", (route) => {
  test("refuses __proto__ wherever it stands, and says where", async () => {
    for (const [field, where] of [
      [`"__proto__":{"polluted":1}`, ""],
      [`"x":{"a":[{"__proto__":{"polluted":1}}]}`, "x.a.0: "],
    ] as const) {
      const { status, body } = await send(route, plus(route, field));
      expect([status, body]).toEqual([
        route.line.otherForm === true ? 400 : 422, // as those APIs say it
        expect.stringContaining(`${where}__proto__ cannot be a key`),
      ]);
    }
  });

  test("is not changed by the names of what objects have", async () => {
    for (const field of POLLUTERS) expect((await send(route, plus(route, field))).status).toBeLessThan(500);
    expect("polluted" in {}).toBe(false);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("takes JSON alone: no form of a page, which a browser would send without asking first", async () => {
    const text = JSON.stringify(route.line.body);
    for (const [type, body] of [
      ["text/plain", text],
      ["application/x-www-form-urlencoded", `a=${encodeURIComponent(text)}`],
      ["application/x-www-form-urlencoded", text],
      [
        "multipart/form-data; boundary=x",
        `--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n${text}\r\n--x--\r\n`,
      ],
      ["application/jsonp", text],
      ["text/plain; application/json", text],
    ] as const) {
      const answer = await send(route, body, { "Content-Type": type });
      expect([type, answer.status]).toEqual([type, route.path.startsWith("/anthropic/") ? 400 : 415]);
      const page = await send(route, body, { "Content-Type": type, Origin: "null" });
      expect([type, page.status]).toEqual([type, 403]);
    }
  });
});

describe("a session's metadata", () => {
  const create = async (metadata: string) => {
    const answer = await rawRequest(port, "POST", "/v1/sessions", JSON_TYPE, `{"metadata":${metadata}}`);
    return { status: answer.status, body: z.looseObject({}).parse(JSON.parse(answer.body)) };
  };

  test.each<[string, string]>([
    [
      "names of what objects have",
      `{"constructor":"a","toString":"b","prototype":"c","hasOwnProperty":"d","length":1}`,
    ],
    ["half a character", `{"a":"\\ud800","\\udfff":"b"}`],
    ["NUL and other control characters", `{"a\\u0000b":"c\\u0000d\\u001b[31m\\r\\n\\u2028"}`],
    ["large numbers", `{"a":9007199254740991,"b":-1.7976931348623157e308,"c":5e-324,"d":0}`],
    ["invisible and turned words", `{"\\u202e":"\\ufeff\\u200b","e\\u0301":"\\u00e9"}`],
    ["the words of an event stream", `{"a":"\\n\\nevent: done\\ndata: {}\\n\\n"}`],
    ["dots, quotes and SQL", `{"a.b['c']":"' OR 1=1 --","$.end_user":"x","%":"_"}`],
  ])("of %s is given back as it was written", async (_what, metadata) => {
    const made = await create(metadata);
    expect(made).toMatchObject({ status: 201, body: { metadata: JSON.parse(metadata) as object } });
    const answer = await rawRequest(port, "GET", `/v1/sessions/${String(made.body.id)}`);
    expect(JSON.parse(answer.body)).toMatchObject({ metadata: JSON.parse(metadata) as object });
  });

  test.each<[string, string, string]>([
    ["a number past all numbers", `{"a":1e999}`, "metadata.a"],
    ["an object", `{"a":{"constructor":1}}`, "metadata.a"],
    ["__proto__", `{"__proto__":"x"}`, "metadata: __proto__"],
    ["an object with __proto__", `{"a":{"__proto__":"x"}}`, "metadata.a: __proto__"],
  ])("of %s is refused", async (_what, metadata, names) => {
    const { status, body } = await create(metadata);
    expect([status, body.detail]).toEqual([422, expect.stringContaining(names)]);
  });

  test("keeps the last of two equal keys, as JSON.parse does, and a filter finds that one", async () => {
    const { body } = await create(`{"twice":"first","twice":"last"}`);
    expect(body.metadata).toEqual({ twice: "last" });
    const found = async (value: string) =>
      (await rawRequest(port, "GET", `/v1/sessions?metadata.twice=${value}`)).body.includes(String(body.id));
    expect([await found("last"), await found("first")]).toEqual([true, false]);
  });

  test("in a query is a plain name, whatever objects have by it", async () => {
    await create(`{"constructor":"a"}`);
    const list = async (query: string) => (await rawRequest(port, "GET", `/v1/sessions?${query}`)).status;
    for (const query of [
      "metadata.constructor=a",
      "metadata.__proto__=a",
      "metadata.__proto__.polluted=1",
      "__proto__=1",
      "__proto__[polluted]=1",
      "constructor[prototype][polluted]=1",
      "hasOwnProperty=1&toString=1",
      "metadata[a]=1",
    ])
      expect([query, [200, 422].includes(await list(query))]).toEqual([query, true]);
    expect("polluted" in {}).toBe(false);
  });
});

describe("an encoded body", () => {
  const bomb = Buffer.from(JSON.stringify({ metadata: { a: "x".repeat(20_000_000) } }));
  const good = Buffer.from("{}");
  const post = async (encoding: string, body: Buffer, type = "application/json") =>
    (
      await rawRequest(
        port,
        "POST",
        "/v1/sessions",
        { "Content-Type": type, "Content-Encoding": encoding },
        body,
      )
    ).status;

  test.each<[string, string, Buffer, number]>([
    ["a bomb in gzip", "gzip", gzipSync(bomb), 413],
    ["a bomb in deflate", "deflate", deflateSync(bomb), 413],
    ["a bomb in brotli", "br", brotliCompressSync(bomb), 413],
    ["gzip", "gzip", gzipSync(good), 201],
    ["gzip in capitals", "GZIP", gzipSync(good), 201],
    ["gzip that is none", "gzip", good, 400],
    ["gzip that is cut short", "gzip", gzipSync(good).subarray(0, 8), 400],
    ["gzip with more behind it", "gzip", Buffer.concat([gzipSync(good), Buffer.from("more")]), 400],
    ["gzip twice", "gzip, gzip", gzipSync(gzipSync(good)), 415],
    ["an unknown one", "x-gzip", gzipSync(good), 415],
  ])("%s is %s → %#", async (_what, encoding, body, status) => {
    expect(await post(encoding, body)).toBe(status);
  });

  test.each<[string, Buffer, number]>([
    ["application/json; charset=utf-16le", Buffer.from("{}", "utf16le"), 415],
    ["application/json; charset=utf-7", good, 415],
    ["application/json; charset=", good, 201],
    ['application/json; charset="utf-8"; charset=utf-16', good, 415],
    ["application/json; charset=../../etc/passwd", good, 415],
    ["application/json", Buffer.from([0xff, 0xfe, 0x7b, 0x7d]), 400],
    ["application/json", Buffer.from("\ufeff{}"), 201],
    [
      "application/json",
      Buffer.concat([Buffer.from('{"metadata":{"a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}}')]),
      201,
    ],
  ])("%s %#", async (type, body, status) => {
    expect(await post("identity", body, type)).toBe(status);
  });
});
