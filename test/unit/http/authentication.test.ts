/** Credentials at the edge: how they are presented, when they are wanted, and that taking one away takes effect at once. */
import { describe, expect, jest, test } from "@jest/globals";
import { DEFAULT_LIMITS } from "../../../daemon/http/limits.ts";
import { httpBench, keylessAuthenticator, openStream, rawRequest, refusal } from "../../support/http.ts";
import { apiKey, bearer, tokenOf } from "../../support/keys.ts";
import { eventually } from "../../support/processes.ts";
import { storeBench } from "../../support/store.ts";
import { HANDSHAKE, openSocket } from "../../support/websocket.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(20_000);

const spawner = spawnerForTests();
const limits = { ...DEFAULT_LIMITS, failed_credentials_per_second: 1_000_000 };
const bench = await httpBench(spawner, { limits });
const { port, authenticator } = bench;
const key = await apiKey(authenticator);
const keyless = await httpBench(spawner);
const first = await httpBench(spawner);
const strict = await httpBench(spawner, {
  limits: { ...DEFAULT_LIMITS, failed_credentials_per_second: 0.2 },
});
const clock = { ahead: 0 };
const late = await httpBench(spawner, {
  authenticator: await keylessAuthenticator(await storeBench(), { now: () => Date.now() + clock.ahead }),
});
const unbound = await storeBench();

const status = async (path: string, headers: Record<string, string> = {}, on = port) =>
  (await rawRequest(on, "GET", path, headers)).status;
const eventsPath = (id: string) => `/v1/projects/bot/sessions/${id}/events`;

describe("a credential", () => {
  test("comes as a bearer token, whatever the word's case, or as x-api-key", async () => {
    for (const headers of [
      bearer(key.key),
      { authorization: `bearer  ${key.key}` },
      { "x-api-key": key.key },
      { "x-api-key": key.key, Authorization: "Basic YTpi" },
    ])
      expect(await status("/v1/sessions", headers)).toBe(200);
  });

  test("in the URL is none: proxies write URLs down", async () => {
    for (const name of ["access_token", "api_key", "token", "key"])
      expect(await status(`/v1/sessions?${name}=${key.key}`)).toBe(401);
  });

  test("that is bad is not repeated by the answer", async () => {
    const { is, answer } = await refusal(port, {
      method: "GET",
      path: "/v1/sessions",
      headers: bearer(`${key.key}x`),
    });
    expect(is).toBe("401 unauthorized");
    expect(JSON.stringify(answer)).not.toContain(key.key.slice(-20));
  });

  test("of a browser's WebSocket is one of the protocols it offers, and never the one that the answer chooses", async () => {
    const id = await bench.create();
    const url = `ws://127.0.0.1:${port}${eventsPath(id)}`;
    const token = await tokenOf(authenticator, "ada");
    const offers = (...protocols: string[]) => openSocket({ url, protocols });
    await expect(offers("karta")).rejects.toThrow("refused with 401");
    await expect(offers(`karta.bearer.${token}`, "karta")).rejects.toThrow("refused with 404"); // it is not Ada's
    const socket = await offers(`karta.bearer.${key.key}`, "karta");
    expect(socket.ws.protocol).toBe("karta");
    await bench.ask(id, "hi");
    await socket.until(3);
    socket.ws.close();
    await socket.ended;
    // On a plain request a protocol is no credential.
    expect(await status(eventsPath(id), { "Sec-WebSocket-Protocol": `karta.bearer.${key.key}` })).toBe(401);
  });

  test("is wanted of an upgrade as of any request", async () => {
    const path = eventsPath(await bench.create());
    const asked = (headers: Record<string, string>) =>
      refusal(port, { method: "GET", path, headers: { ...HANDSHAKE, ...headers } });
    expect((await asked({})).is).toBe("401 unauthorized");
    expect((await asked(bearer("nonsense"))).is).toBe("401 unauthorized");
    expect((await asked(bearer(await tokenOf(authenticator, "ada")))).is).toBe("404 not_found");
    expect((await asked(bearer(await tokenOf(authenticator, "ada", { project: "other" })))).is).toBe(
      "403 forbidden",
    );
  });
});

describe("a kartad without keys", () => {
  test("on loopback wants no credential, and takes the made-up one of an SDK for none", async () => {
    expect(await status("/v1/sessions", {}, keyless.port)).toBe(200);
    expect(await status("/v1/sessions", bearer("sk-made-up"), keyless.port)).toBe(200);
    expect(await status("/v1/sessions", { "x-api-key": key.key }, keyless.port)).toBe(200);
    expect(await status("/v1/sessions", { Host: "rebound.example" }, keyless.port)).toBe(403);
  });

  test("still takes a session token at its word: it is no operator's", async () => {
    const token = await tokenOf(keyless.authenticator, "ada");
    expect(await status("/v1/sessions", bearer(token), keyless.port)).toBe(403);
    expect(await status("/v1/projects/bot/sessions", bearer(token), keyless.port)).toBe(200);
    expect(await status("/v1/projects/bot/sessions", bearer(`${token}x`), keyless.port)).toBe(401);
  });

  test("wants one from the first key on, and when the last is revoked still does; a proxy's Host is then fine", async () => {
    const made = await apiKey(first.authenticator);
    expect(await status("/v1/sessions", {}, first.port)).toBe(401);
    expect(await status("/v1/sessions", { ...bearer(made.key), Host: "api.example" }, first.port)).toBe(200);
    await first.authenticator.keys.revoke(made.id);
    for (const headers of [{}, bearer(made.key)])
      expect(await status("/v1/sessions", headers, first.port)).toBe(401);
    expect(await status("/healthz", {}, first.port)).toBe(200);
    const restarted = await keylessAuthenticator(first.store);
    expect(restarted.isOpen).toBe(false);
    const bind = { host: "0.0.0.0", isLoopback: false, insecure: true };
    expect((await keylessAuthenticator(first.store, { bind })).isOpen).toBe(true);
  });

  test("refuses to start where others reach it, but for --insecure or with an API key", async () => {
    const at = (insecure: boolean) =>
      keylessAuthenticator(unbound, { bind: { host: "0.0.0.0", isLoopback: false, insecure } });
    await expect(at(false)).rejects.toThrow("0.0.0.0 is not loopback");
    expect((await at(true)).isOpen).toBe(true);
    await apiKey(await at(true));
    expect((await at(false)).isOpen).toBe(false);
    expect((await at(true)).isOpen).toBe(false); // there is a key to keep people out
  });
});

describe("revoking a key", () => {
  test("ends what it has open at once: streams, feeds, WebSockets, answers that wait, those of its tokens too", async () => {
    const mine = await apiKey(authenticator);
    const { script } = bench.harness;
    bench.harness.script = () => undefined; // the turn goes on
    const scope = { kind: "project", name: "bot", endUser: null } as const;
    const { id } = await bench.sessions.create(scope, { metadata: { end_user: "ada" } });
    const path = eventsPath(id);
    const token = await tokenOf(authenticator, "ada", { keyId: mine.id });
    const url = `ws://127.0.0.1:${port}${path}`;
    const streams = await Promise.all([
      openStream(port, { path, headers: bearer(mine.key) }),
      openStream(port, { path, headers: bearer(token) }),
      openStream(port, {
        path: path.replace("events", "messages"),
        headers: bearer(mine.key),
        body: { text: "hi", stream: true },
      }),
    ]);
    const sockets = await Promise.all(
      [mine.key, token].map((text) => openSocket({ url, headers: bearer(text) })),
    );
    const waiting = rawRequest(
      port,
      "POST",
      path.replace("events", "messages"),
      {
        ...bearer(mine.key),
        "Content-Type": "application/json",
      },
      JSON.stringify({ text: "and wait" }),
    );
    const other = await openStream(port, { path: `${path}?after=0`, headers: bearer(key.key) });
    await other.until("and wait");
    await authenticator.keys.revoke(mine.id);
    await expect(waiting).rejects.toThrow();
    await Promise.all(streams.map((stream) => stream.end()));
    for (const socket of sockets) expect(await socket.ended).toEqual({ code: 4401, reason: "unauthorized" });
    for (const text of [mine.key, token]) expect(await status(path, bearer(text))).toBe(401);
    expect(other.isOver).toBe(false);
    other.leave();
    bench.harness.script = script;
    for (const turn of bench.sessions.liveTurns.slice()) await bench.sessions.cancel(scope, id, turn.id);
    await eventually(() => bench.store.feed.size === 0, "every watcher was freed");
  });
});

describe("a token that expires", () => {
  test("ends the feeds that it opened, and not the answer to a message that was accepted", async () => {
    clock.ahead = -58_000; // of a token that lives a minute two seconds are left
    const token = await tokenOf(late.authenticator, "ada", { seconds: 60 });
    clock.ahead = 0;
    const path = eventsPath(
      (await late.sessions.create({ kind: "project", name: "bot", endUser: "ada" }, {})).id,
    );
    const { script } = late.harness;
    late.harness.script = () => undefined;
    const feed = await openStream(late.port, { path, headers: bearer(token) });
    const url = `ws://127.0.0.1:${late.port}${path}`;
    const socket = await openSocket({ url, headers: bearer(token) });
    const body = { text: "hi", stream: true };
    const turn = await openStream(late.port, {
      path: path.replace("events", "messages"),
      headers: bearer(token),
      body,
    });
    const live = await late.harness.nextTurn();
    await feed.end();
    expect((await socket.ended).code).toBe(4401);
    expect(await status(path, bearer(token), late.port)).toBe(401);
    live.say("done at last").end();
    await turn.until("event: done");
    await turn.end();
    late.harness.script = script;
  });
});

describe("bad credentials", () => {
  test("are limited by address; good ones, and none at all, go on being answered", async () => {
    const good = await apiKey(strict.authenticator);
    const asked = async (headers: Record<string, string>) => status("/v1/sessions", headers, strict.port);
    expect([await asked(bearer("bad")), await asked(bearer("worse"))]).toEqual([401, 401]);
    const { is, answer } = await refusal(strict.port, {
      method: "GET",
      path: "/v1/sessions",
      headers: bearer("worst"),
    });
    expect(is).toBe("429 rate_limited");
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    const embed = await refusal(strict.port, {
      path: "/v1/embed/session-tokens",
      body: { embed_key: "pk_live_x" },
    });
    expect(embed.is).toBe("429 rate_limited");
    expect(await asked({})).toBe(401);
    expect(await asked(bearer(good.key))).toBe(200);
  });
});
