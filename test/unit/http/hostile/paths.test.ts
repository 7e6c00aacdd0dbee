/** Every route's path, every method and every answer's headers: ids that lead elsewhere, or that would end a header. */
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { packageRoot } from "../../../../shared/paths.ts";
import { httpBench, openStream, rawRequest } from "../../../support/http.ts";
import { parametersOf, pathTo, ROUTES, type HostileRoute } from "../../../support/hostile/routes.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port } = bench;
const id = await bench.create();
const good = { ref: "bot", id, conversation_id: id, model: "bot", agent: "bot", environment: "bot" };

const EMBED = "/v1/embed/session-tokens";

/** What an id is not: of every parameter. */
const ELSEWHERE = [
  "..",
  "%2e%2e%2f%2e%2e",
  "..%5c..%5cbot",
  "%00",
  "%0d%0aX-Injected:%201%0d%0a%0d%0a",
  "__proto__",
];

/** And of one of each API, for what comes of a path is the same for all of its routes. */
const FURTHER = [
  "..",
  ".",
  "%2e%2e",
  "%2E%2E%2Fbot",
  "..%2f..%2f..%2fetc%2fpasswd",
  "..%5c..%5cbot",
  "%252e%252e%252f",
  "%c0%ae%c0%ae%c0%af",
  "%ff%fe",
  "%00",
  `${id}%00`,
  `${id}%20`,
  `${id}%2f..%2f${id}`,
  `${id};a=b`,
  `${id}%23x`,
  "%0d%0aX-Injected:%201%0d%0a%0d%0a",
  "x%0aSet-Cookie:a=b",
  "%u002e%u002e",
  "__proto__",
  "constructor",
  "toString",
  "%",
  "%zz",
  "*",
  "file:%2f%2f%2fetc%2fpasswd",
  "a".repeat(2000),
  "%F0%9F%A7%A6",
];

const apiOf = ({ path: of }: HostileRoute): string => of.split("/").slice(1, 4).join("/");
const named = ROUTES.flatMap((route) => parametersOf(route).map((name) => ({ route, name })));

describe.each(named)("$route.name, its $name", ({ route, name }) => {
  test("that leads elsewhere leads nowhere", async () => {
    const isFirst = named.find(({ route: other }) => apiOf(other) === apiOf(route))?.route === route;
    for (const value of isFirst ? [...ELSEWHERE, ...FURTHER] : ELSEWHERE) {
      const { body: sent } = route.line;
      const json: Record<string, string> = sent === undefined ? {} : { "Content-Type": "application/json" };
      const target = pathTo(route, { ...good, [name]: value });
      const answer = await rawRequest(port, route.method, target, json, sent && JSON.stringify(sent));
      expect([value, [400, 404].includes(answer.status)]).toEqual([value, true]);
      expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
      expect(Object.keys(answer.headers)).not.toContain("x-injected");
      expect(answer.headers["set-cookie"]).toBeUndefined();
      expect(answer.body).not.toMatch(/root:|node_modules|\.[jt]s:\d+| {4}at /);
      expect(answer.body).not.toContain(packageRoot());
    }
  });
});

describe.each(ROUTES)("$name", (route) => {
  const { method, line } = route;

  test("has no other method than the document's, be it asked for by a header", async () => {
    const target = pathTo(route, good);
    const known = ROUTES.filter(({ base, path: other }) => base === route.base && other === route.path);
    const isKnown = (one: string) => known.some((other) => other.method === one);
    const odd = ["OPTIONS", "TRACE", "PURGE", "PROPFIND", "PUT", "PATCH", "DELETE", "POST", "HEAD"].filter(
      (one) => !isKnown(one) && !(one === "HEAD" && isKnown("GET")),
    );
    for (const other of odd) {
      const { status, headers } = await rawRequest(port, other, target, { "Max-Forwards": "0" });
      // What a router of express answers by itself says what there is, and no more.
      if (other === "OPTIONS" && status === 200)
        expect(headers.allow?.split(", ").filter((one) => one !== "HEAD" && !isKnown(one))).toEqual([]);
      // The one path for anybody, where no family lets in who has no credential: this one was never asked for it.
      else
        expect([other, status]).toEqual([
          other,
          route.base + route.path === EMBED && other !== "OPTIONS" ? 401 : 404,
        ]);
    }
    if (method !== "GET") return;
    for (const header of ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]) {
      if (line.streams === true) continue;
      await rawRequest(port, "GET", `${target}${target.includes("?") ? "&" : "?"}_method=DELETE`, {
        [header]: "DELETE",
      });
    }
    expect((await rawRequest(port, "GET", `/v1/sessions/${id}`)).status).toBe(200);
  });

  test("answers so that nothing is guessed, kept or framed, and no credential is asked of a browser", async () => {
    if (method === "DELETE") return;
    const { body, streams } = line;
    const asked = { method, path: pathTo(route, good), ...(body === undefined ? {} : { body }) };
    const answer = await openStream(port, asked);
    const kept: unknown = streams === true ? expect.stringMatching(/^no-cache/) : "no-store";
    expect(answer.headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "cache-control": kept,
      vary: "Origin",
    });
    for (const name of [
      "etag",
      "last-modified",
      "server",
      "x-powered-by",
      "set-cookie",
      "location",
      "refresh",
    ])
      expect([name, answer.headers[name]]).toEqual([name, undefined]);
    answer.leave();
  });
});

test("no file came of any of it", () => {
  for (const name of ["bot", "etc", "passwd"])
    expect(existsSync(path.join(bench.store.folder, name))).toBe(false);
});
