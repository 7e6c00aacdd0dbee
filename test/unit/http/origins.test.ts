/** Which pages may call which paths: the daemon's list, a project's own, its embed keys'. */
import { expect, test } from "@jest/globals";
import { httpBench, keylessAuthenticator, rawRequest } from "../../support/http.ts";
import { apiKey, bearer, embedKey } from "../../support/keys.ts";
import { storeBench } from "../../support/store.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const projectExists = (name: string) => ["bot", "other"].includes(name);
const authenticator = await keylessAuthenticator(await storeBench(), { projectExists });
const { port } = await httpBench(spawnerForTests(), {
  authenticator,
  projectExists,
  originsOf: (name) => (name === "bot" ? ["https://bots.example"] : []),
});
const { key } = await apiKey(authenticator);
const embed = await embedKey(authenticator, { origins: ["https://page.example"] });

const PATHS = [
  "/v1/sessions",
  "/v1/projects/bot/sessions",
  "/local/bot/v1/sessions",
  "/v1/projects/other/sessions",
  "/healthz",
  "/v1/embed/session-tokens",
];

/** Of a page: whether its preflight is answered, and what its request is. */
async function asPage(origin: string, path: string): Promise<string> {
  const preflight = await rawRequest(port, "OPTIONS", path, {
    Origin: origin,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
  });
  const isEmbed = path.includes("embed");
  const answer = isEmbed
    ? await rawRequest(port, "POST", path, { Origin: origin, "Content-Type": "application/json" }, "{}")
    : await rawRequest(port, "GET", path, { Origin: origin, ...bearer(key) });
  expect(preflight.status === 204).toBe(answer.status !== 403);
  expect(preflight.headers["access-control-allow-origin"]).toBe(
    preflight.status === 204 ? origin : undefined,
  );
  expect(answer.headers["access-control-allow-origin"]).toBe(answer.status === 403 ? undefined : origin);
  expect(answer.headers.vary).toBe("Origin");
  if (preflight.status === 204)
    expect(preflight.headers["access-control-allow-headers"]?.toLowerCase()).toContain("authorization");
  return answer.status === 403 ? "refused" : "let in";
}

test.each<[string, string[]]>([
  ["https://shop.example", PATHS], // the daemon's list
  ["https://bots.example", ["/v1/projects/bot/sessions", "/local/bot/v1/sessions"]], // the project's
  // An embed key's.
  [
    "https://page.example",
    ["/v1/projects/bot/sessions", "/local/bot/v1/sessions", "/v1/embed/session-tokens"],
  ],
  ["https://evil.example", []],
  ["https://shop.example.evil.example", []],
  ["http://shop.example", []],
  ["null", []],
])("a page of %s may call %j", async (origin, allowed) => {
  for (const path of PATHS)
    expect([path, await asPage(origin, path)]).toEqual([path, allowed.includes(path) ? "let in" : "refused"]);
});

test("a page that may call still needs a credential, and can read that it does", async () => {
  const path = "/v1/projects/bot/sessions";
  const answer = await rawRequest(port, "GET", path, { Origin: "https://bots.example" });
  expect(answer.status).toBe(401);
  expect(answer.headers["access-control-allow-origin"]).toBe("https://bots.example");
});

test("an SDK in a page may say what it says of itself, and nothing else is let through", async () => {
  const { headers } = await rawRequest(port, "OPTIONS", "/v1/projects/bot/chat/completions", {
    Origin: "https://bots.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers":
      "authorization, X-Stainless-Retry-Count, anthropic-version, x-forwarded-for, x-stainless-\u00e4, x-stainless-a:b",
  });
  const allowed = (headers["access-control-allow-headers"] ?? "").toLowerCase().split(", ");
  expect(allowed).toEqual(
    expect.arrayContaining(["authorization", "x-stainless-retry-count", "anthropic-version"]),
  );
  expect(allowed.filter((name) => /forwarded|:|[^ -~]/.test(name))).toEqual([]);
});

test("a page of an embed key that is revoked may call no more", async () => {
  const path = "/v1/projects/bot/sessions";
  expect(await asPage("https://page.example", path)).toBe("let in");
  await authenticator.keys.revoke(embed.id);
  expect(await asPage("https://page.example", path)).toBe("refused");
});
