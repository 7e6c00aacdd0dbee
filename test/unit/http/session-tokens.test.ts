/** Session tokens over HTTP: who gets one, and whose sessions are whose. */
import { describe, expect, jest, test } from "@jest/globals";
import { decodeJwt } from "jose";
import { z } from "zod";
import { DEFAULT_LIMITS } from "../../../daemon/http/limits.ts";
import { SessionPageSchema, SessionSchema } from "../../../shared/protocol/sessions.ts";
import { SessionTokenSchema } from "../../../shared/protocol/tokens.ts";
import { httpBench, keylessAuthenticator, rawRequest, refusal } from "../../support/http.ts";
import { apiKey, bearer, embedKey, identityToken, tokenOf } from "../../support/keys.ts";
import { storeBench } from "../../support/store.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(20_000);

const clock = { ms: Date.now() };
const store = await storeBench();
const authenticator = await keylessAuthenticator(store, { now: () => clock.ms });
const limits = { ...DEFAULT_LIMITS, failed_credentials_per_second: 1_000_000 };
const { port } = await httpBench(spawnerForTests(), { authenticator, limits });
const backend = await apiKey(authenticator);

const PAGE = "https://page.example";
const SESSIONS = "/v1/projects/bot/sessions";
type Headers = Record<string, string>;

async function call(method: string, path: string, headers: Headers, body?: object) {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await rawRequest(port, method, path, { ...json, ...headers }, body && JSON.stringify(body));
  if (answer.status >= 400) throw new Error(`${answer.status} ${answer.body}`);
  return answer.body;
}
const refused = (method: string, path: string, headers: Headers, body?: object) =>
  refusal(port, { method, path, headers: { "Content-Type": "application/json", ...headers }, body });

async function create(headers: Headers, body: object = {}, path = SESSIONS) {
  return SessionSchema.parse(JSON.parse(await call("POST", path, headers, body)));
}
async function list(headers: Headers, query = "") {
  return SessionPageSchema.parse(JSON.parse(await call("GET", SESSIONS + query, headers))).data.map(
    ({ id }) => id,
  );
}
const user = async (name: string) => bearer(await tokenOf(authenticator, name));

async function embedToken(body: object, origin: string | null = PAGE) {
  const headers: Headers = origin === null ? {} : { Origin: origin };
  const answer = await call("POST", "/v1/embed/session-tokens", headers, body);
  const { token } = SessionTokenSchema.parse(JSON.parse(answer));
  return { token, sub: z.string().parse(decodeJwt(token).sub) };
}
const embedRefused = (body: object, origin: string | null = PAGE) =>
  refused("POST", "/v1/embed/session-tokens", origin === null ? {} : { Origin: origin }, body);

describe("an app's backend", () => {
  test("gets its user a token of an hour, or of as long as it says", async () => {
    const path = "/v1/projects/bot/session_tokens";
    const made = async (body: object) => {
      const answer = SessionTokenSchema.parse(
        JSON.parse(await call("POST", path, bearer(backend.key), body)),
      );
      const { sub, project, exp = 0, iat = 0 } = decodeJwt(answer.token);
      return { answer, sub, project, lives: exp - iat };
    };
    const plain = await made({ sub: "ada" });
    expect(plain).toMatchObject({ sub: "ada", project: "bot", lives: 3600, answer: { expires_in: 3600 } });
    expect(await made({ sub: "ada", expires_in: 60 })).toMatchObject({
      lives: 60,
      answer: { expires_in: 60 },
    });
    const { id } = await create(bearer(plain.answer.token));
    expect(await list(await user("ada"))).toContain(id);
    for (const body of [
      {},
      { sub: "" },
      { sub: "a\nb" },
      { sub: "visitor:1" },
      { sub: "a", expires_in: 90_000 },
    ])
      expect((await refused("POST", path, bearer(backend.key), body)).is).toBe("422 invalid_request");
  });

  test("gets a token that lives no longer than its own key", async () => {
    const brief = await apiKey(authenticator, { expires_at: new Date(clock.ms + 120_000).toISOString() });
    const path = "/local/bot/v1/session_tokens";
    const answer = JSON.parse(await call("POST", path, bearer(brief.key), { sub: "ada" })) as unknown;
    expect(SessionTokenSchema.parse(answer).expires_in).toBe(120);
  });

  test("says whose a session is by its metadata, and may say otherwise later", async () => {
    const { id } = await create(bearer(backend.key), { metadata: { end_user: "ada" } }, "/v1/sessions");
    expect(await list(await user("ada"))).toContain(id);
    await call("PATCH", `${SESSIONS}/${id}`, bearer(backend.key), { metadata: { end_user: "bob" } });
    expect(await list(await user("ada"))).not.toContain(id);
    expect(await list(await user("bob"))).toContain(id);
  });
});

describe("a user with a token", () => {
  test("owns what they make, whatever the body says, and sees nothing of others", async () => {
    const [ada, bob] = [await user("ada"), await user("bob")];
    const mine = await create(ada, { metadata: { title: "Orders" } });
    expect(mine.metadata).toEqual({ title: "Orders", end_user: "ada" });
    expect(await list(ada)).toContain(mine.id);
    expect(await list(bob)).not.toContain(mine.id);
    expect(await list(bob, "?metadata.end_user=ada")).toEqual([]);
    expect((await refused("GET", `${SESSIONS}/${mine.id}`, bob)).is).toBe("404 not_found");
    expect((await refused("POST", SESSIONS, bob, { session_id: mine.id })).is).toBe("404 not_found");
    expect((await refused("POST", SESSIONS, bob, { parent_id: mine.id })).is).toBe("422 invalid_request");
    const child = await create(ada, { parent_id: mine.id });
    expect(child.metadata).toEqual({ end_user: "ada" });
  });

  test("cannot give a session away, take one, or make it autonomous", async () => {
    const ada = await user("ada");
    const { id } = await create(ada);
    const tries = [
      { metadata: { end_user: "bob" } },
      { metadata: { end_user: null } },
      { permission_mode: "autonomous" },
    ];
    for (const body of tries)
      expect((await refused("PATCH", `${SESSIONS}/${id}`, ada, body)).is).toBe("403 forbidden");
    for (const body of [tries[0], tries[2]])
      expect((await refused("POST", SESSIONS, ada, body)).is).toBe("403 forbidden");
    await call("PATCH", `${SESSIONS}/${id}`, ada, { metadata: { end_user: "ada", seen: 1 } });
    expect(await list(ada, "?metadata.seen=1")).toEqual([id]);
    // Of another's session not even this is told.
    expect((await refused("PATCH", `${SESSIONS}/${id}`, await user("bob"), tries[2])).is).toBe(
      "404 not_found",
    );
  });

  test("has no room for more metadata than a session holds, their name included", async () => {
    const full = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, n]));
    const { is, words } = await refused("POST", SESSIONS, await user("ada"), { metadata: full });
    expect(is).toBe("422 invalid_request");
    expect(words).toContain("end_user");
  });

  test("is a text: a number of the same digits is nobody", async () => {
    const { id } = await create(bearer(backend.key), { metadata: { end_user: 42 } });
    expect(await list(await user("42"))).not.toContain(id);
  });

  test("may use an Idempotency-Key that another tenant has used", async () => {
    const key = { "Idempotency-Key": "the-same" };
    const [ada, bob] = [
      { ...(await user("ada")), ...key },
      { ...(await user("bob")), ...key },
    ];
    const first = await create(ada);
    const second = await create(bob);
    expect(second.id).not.toBe(first.id);
    expect((await create(ada)).id).toBe(first.id);
    expect((await create(bob)).id).toBe(second.id);
  });
});

describe("a page with an embed key", () => {
  test("gets tokens for its project, from its own origins alone", async () => {
    const { key } = await embedKey(authenticator);
    const { token } = await embedToken({ embed_key: key });
    expect(decodeJwt(token)).toMatchObject({ project: "bot" });
    const { id } = await create({ ...bearer(token), Origin: PAGE });
    expect(await list(bearer(token))).toEqual([id]);
    expect((await embedRefused({ embed_key: key }, "https://evil.example")).is).toBe(
      "403 origin_not_allowed",
    );
    expect((await embedRefused({ embed_key: key }, null)).is).toBe("403 origin_not_allowed");
    // An origin that may call, with a key that is another page's.
    await embedKey(authenticator, { origins: ["https://third.example"] });
    expect((await embedRefused({ embed_key: key }, "https://third.example")).is).toBe(
      "403 origin_not_allowed",
    );
  });

  test("that is unknown, revoked or expired, or no embed key at all, gets none, and hears the same", async () => {
    const revoked = await embedKey(authenticator);
    await authenticator.keys.revoke(revoked.name);
    const expired = await embedKey(authenticator, { expires_at: new Date(clock.ms + 1000).toISOString() });
    const kept = await embedKey(authenticator); // its origin may call
    clock.ms += 2000;
    const words = new Set<string>();
    for (const embed_key of [`pk_live_${"0".repeat(24)}`, revoked.key, expired.key, backend.key, "x"]) {
      const answer = await embedRefused({ embed_key });
      expect(answer.is).toBe("401 unauthorized");
      words.add(answer.words);
    }
    expect(words.size).toBe(1);
    await embedToken({ embed_key: kept.key });
  });

  test("has visitors: each new one nobody else, and a user id without proof never that of a known user", async () => {
    const { key } = await embedKey(authenticator);
    const visitors = [await embedToken({ embed_key: key }), await embedToken({ embed_key: key })];
    expect(visitors[0]?.sub).not.toBe(visitors[1]?.sub);
    const { id } = await create(await user("ada"));
    const claims = await embedToken({ embed_key: key, user_id: "ada" });
    expect(claims.sub).toBe("visitor:ada");
    expect(await list(bearer(claims.token))).not.toContain(id);
    const own = await create(bearer(claims.token));
    const again = await embedToken({ embed_key: key, user_id: "ada" });
    expect(await list(bearer(again.token))).toEqual([own.id]);
  });

  test("that has an identity secret wants proof of the user id", async () => {
    const { key, identity_secret } = await embedKey(authenticator, { verify_identity: true });
    const other = await embedKey(authenticator, { verify_identity: true });
    expect(identity_secret).not.toBe(other.identity_secret);
    const proof = identityToken(identity_secret, "ada");
    for (const body of [
      {},
      { user_id: "ada" },
      { identity_token: proof },
      { user_id: "ada", identity_token: "" },
      { user_id: "ada", identity_token: proof.slice(0, 62) },
      { user_id: "bob", identity_token: proof },
      { user_id: "ada", identity_token: identityToken(other.identity_secret, "ada") },
      { user_id: "ada", identity_token: "0".repeat(64) },
    ])
      expect((await embedRefused({ embed_key: key, ...body })).is).toBe("401 unauthorized");
    const { token, sub } = await embedToken({ embed_key: key, user_id: "ada", identity_token: proof });
    expect(sub).toBe("ada");
    const { id } = await create(await user("ada"));
    expect(await list(bearer(token))).toContain(id);
  });

  test("loses its visitors' tokens with the key", async () => {
    const made = await embedKey(authenticator);
    const { token } = await embedToken({ embed_key: made.key });
    await create(bearer(token));
    await authenticator.keys.revoke(made.id);
    expect((await refused("GET", SESSIONS, bearer(token))).is).toBe("401 unauthorized");
  });
});
