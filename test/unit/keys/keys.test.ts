/** Keys and the secrets behind tokens, on a real store and real files. */
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import { decodeProtectedHeader, SignJWT, type JWTPayload } from "jose";
import { Identities } from "../../../daemon/keys/identity.ts";
import { SecretFileError } from "../../../daemon/keys/secret-file.ts";
import { SessionTokens } from "../../../daemon/keys/session-tokens.ts";
import { SigningSecrets } from "../../../daemon/keys/signing-secrets.ts";
import { keylessAuthenticator } from "../../support/http.ts";
import { apiKey, embedKey, tokenOf } from "../../support/keys.ts";
import { storeBenches } from "../../support/store.ts";
import { folderWith, silent } from "../apps/temp-project.ts";

jest.setTimeout(20_000);

const freshStore = await storeBenches(11);
const DAY_MS = 24 * 60 * 60 * 1000;

describe("a key", () => {
  test("is random, and of its secret the store has a hash alone, found by an indexed beginning", async () => {
    const bench = freshStore();
    const authenticator = await keylessAuthenticator(bench);
    const made = await apiKey(authenticator);
    expect(made.key).toMatch(/^sk_live_[0-9a-z]{12}_[0-9a-z]{50}$/);
    expect(made.key.startsWith(`${made.prefix}_`)).toBe(true);
    expect((await embedKey(authenticator, { verify_identity: true })).key).toMatch(/^pk_live_[0-9a-z]{24}$/);
    const rows = JSON.stringify(bench.outside.prepare("select * from keys").all());
    expect(rows).not.toContain(made.key.slice(made.prefix.length + 1));
    expect(rows).not.toContain("idsec_");
    const plan = bench.outside.prepare("explain query plan select * from keys where prefix = 'x'").all();
    expect(JSON.stringify(plan)).toContain("keys_by_prefix");
    expect(JSON.stringify(await authenticator.keys.list())).not.toContain(made.key.slice(-20));
  });

  test("is known after a restart, a revoked one not; an expired one is there, and no use", async () => {
    const bench = freshStore();
    const clock = { ms: Date.now() };
    const options = { now: () => clock.ms };
    const before = await keylessAuthenticator(bench, options);
    const kept = await apiKey(before, { scope: "read" });
    const gone = await apiKey(before);
    const brief = await apiKey(before, { expires_at: new Date(clock.ms + 1000).toISOString() });
    await before.keys.revoke(gone.name);
    const after = await keylessAuthenticator(bench, options);
    expect(await after.authenticate(kept.key)).toMatchObject({ kind: "key", scope: "read", project: null });
    expect(await after.authenticate(brief.key)).toMatchObject({ kind: "key" });
    await expect(after.authenticate(gone.key)).rejects.toMatchObject({ code: "unauthorized" });
    clock.ms += 1000;
    await expect(after.authenticate(brief.key)).rejects.toThrow("has expired");
    const states = new Map((await after.keys.list()).map(({ id, state }) => [id, state]));
    expect([kept, gone, brief].map(({ id }) => states.get(id))).toEqual(["active", "revoked", "expired"]);
  });

  test("has a name of its own until it is revoked, also of two that are made at once", async () => {
    const { keys } = await keylessAuthenticator(freshStore());
    const make = () => keys.create({ kind: "api", name: "backend" });
    const [first, second] = await Promise.allSettled([make(), make()]);
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { code: "key_name_taken" } });
    await keys.revoke("backend");
    await expect(keys.revoke("backend")).rejects.toMatchObject({ code: "not_found" });
    await make();
  });

  test("is of a project that there is, and of a time to come", async () => {
    const authenticator = await keylessAuthenticator(freshStore());
    await expect(apiKey(authenticator, { project: "nope" })).rejects.toMatchObject({ code: "not_found" });
    const past = apiKey(authenticator, { expires_at: new Date(Date.now() - 1).toISOString() });
    await expect(past).rejects.toMatchObject({ code: "invalid_request", issues: [{ path: "expires_at" }] });
    expect(authenticator.isOpen).toBe(true); // nothing was made
  });

  test("that could not be stored is not there, one whose revocation could not be stored still is", async () => {
    const bench = freshStore();
    const authenticator = await keylessAuthenticator(bench);
    const made = await apiKey(authenticator);
    bench.outside.exec(
      "CREATE TRIGGER broken_a BEFORE INSERT ON keys BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END;" +
        "CREATE TRIGGER broken_b BEFORE UPDATE ON keys BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END;",
    );
    await expect(apiKey(authenticator)).rejects.toThrow();
    await expect(authenticator.keys.revoke(made.id)).rejects.toThrow();
    expect(await authenticator.authenticate(made.key)).toMatchObject({ kind: "key" });
    expect(authenticator.keys.all).toHaveLength(1);
  });

  test("shows when it was used, written down at most once a minute", async () => {
    const bench = freshStore();
    const clock = { ms: Date.now() };
    const authenticator = await keylessAuthenticator(bench, { now: () => clock.ms });
    const made = await apiKey(authenticator);
    const used = async () => {
      await authenticator.authenticate(made.key);
      return (await authenticator.keys.list())[0]?.last_used_at;
    };
    expect(made.last_used_at).toBeNull();
    const first = await used();
    expect(first).toBe(new Date(clock.ms).toISOString());
    clock.ms += 30_000;
    expect(await used()).toBe(first);
    clock.ms += 30_000;
    expect(await used()).toBe(new Date(clock.ms).toISOString());
  });

  test("that is revoked is listed for a while: the last thousand, the newest first", async () => {
    const bench = freshStore();
    const { keys } = await keylessAuthenticator(bench);
    for (const name of ["a", "b", "c"]) {
      await keys.create({ kind: "api", name });
      await keys.revoke(name);
    }
    bench.outside.exec("update keys set revoked_at = case name when 'a' then 3 when 'b' then 1 else 2 end");
    await keys.create({ kind: "api", name: "d" });
    await bench.store.keys.forgetRevoked(2);
    expect((await keys.list()).map(({ name }) => name).sort()).toEqual(["a", "c", "d"]);
  });

  test("of a thousand is the last", async () => {
    const authenticator = await keylessAuthenticator(freshStore());
    for (let n = 0; n < 1000; n += 1) await apiKey(authenticator);
    await expect(apiKey(authenticator)).rejects.toMatchObject({ code: "too_many_keys" });
    await authenticator.keys.revoke(authenticator.keys.all[0]?.id ?? "");
    await apiKey(authenticator);
  });
});

describe("the secrets in the state folder", () => {
  test("are the owner's alone, and so is the store", async () => {
    const bench = freshStore();
    await keylessAuthenticator(bench);
    const modeOf = (name: string) => statSync(path.join(bench.folder, name)).mode & 0o777;
    expect(modeOf("keys")).toBe(0o700);
    for (const name of ["keys/session-tokens.json", "keys/identity.json", "karta.db", "karta.db-wal"])
      expect([name, modeOf(name)]).toEqual([name, 0o600]);
    // A copy that was brought back with other modes is closed again.
    chmodSync(path.join(bench.folder, "keys"), 0o755);
    chmodSync(path.join(bench.folder, "keys/identity.json"), 0o644);
    await keylessAuthenticator(bench);
    expect([modeOf("keys"), modeOf("keys/identity.json")]).toEqual([0o700, 0o600]);
  });

  test("outlive a restart: tokens and identity secrets stay good", async () => {
    const bench = freshStore();
    const before = await keylessAuthenticator(bench);
    const token = await tokenOf(before, "ada");
    const identity = path.join(bench.folder, "keys", "identity.json");
    const secret = new Identities(identity).secretOf("key_1");
    const after = await keylessAuthenticator(bench);
    expect(await after.authenticate(token)).toMatchObject({ kind: "end_user", endUser: "ada" });
    expect(new Identities(identity).secretOf("key_1")).toBe(secret);
    expect(new Identities(identity).secretOf("key_2")).not.toBe(secret);
  });

  test("that are broken are refused by name and left alone, and not a word of them is repeated", async () => {
    const bench = freshStore();
    await keylessAuthenticator(bench);
    const file = path.join(bench.folder, "keys", "session-tokens.json");
    const torn = readFileSync(file, "utf8").slice(0, -20);
    writeFileSync(file, torn);
    const refusal = await keylessAuthenticator(bench).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(SecretFileError);
    expect(String(refusal)).toContain(file);
    expect(String(refusal)).not.toContain(torn.slice(20, 60));
    expect(readFileSync(file, "utf8")).toBe(torn);
  });
});

describe("the secret that signs tokens", () => {
  const clock = { ms: Date.now() };
  const now = () => clock.ms;

  test("is a new one every thirty days, and a token of the one before stays good until it expires", async () => {
    const folder = await folderWith();
    const file = path.join(folder, "session-tokens.json");
    const open = () => new SessionTokens(new SigningSecrets({ file, now, logger: silent }), now);
    const issue = async (tokens: SessionTokens) =>
      (await tokens.issue({ project: "bot", endUser: "ada", keyId: null }, 24 * 60 * 60)).token;
    const kid = (token: string) => decodeProtectedHeader(token).kid;
    const tokens = open();
    const first = await issue(tokens);
    clock.ms += 30 * DAY_MS - 1000;
    const last = await issue(tokens);
    expect(kid(last)).toBe(kid(first));
    clock.ms += 2000;
    const next = await issue(tokens);
    expect(kid(next)).not.toBe(kid(last));
    for (const one of [tokens, open()]) {
      expect(await one.verify(last)).toMatchObject({ endUser: "ada" });
      expect(await one.verify(next)).toMatchObject({ endUser: "ada" });
      await expect(one.verify(first)).rejects.toThrow("has expired");
    }
    clock.ms += 31 * DAY_MS;
    await issue(tokens); // and the oldest is gone: nothing that it signed can be valid
    expect(readFileSync(file, "utf8")).not.toContain(kid(first));
    expect(readFileSync(file, "utf8")).toContain(kid(next));
  });

  test("vouches for tokens of its own making alone: not by another algorithm, type, issuer, id or shape", async () => {
    const file = path.join(await folderWith(), "session-tokens.json");
    const secrets = new SigningSecrets({ file, now, logger: silent });
    const tokens = new SessionTokens(secrets, now);
    const { id, secret } = secrets.current();
    const seconds = Math.floor(clock.ms / 1000);
    const good = { iss: "karta", sub: "ada", project: "bot", exp: seconds + 60 };
    const without = (name: string): JWTPayload =>
      Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
    const header = { alg: "HS256", typ: "karta-session+jwt", kid: id };
    const signed = (claims: JWTPayload, changed: object = {}, key: Uint8Array = secret) =>
      new SignJWT(claims).setProtectedHeader({ ...header, ...changed }).sign(key);
    const text = await signed(good);
    expect(await tokens.verify(text)).toMatchObject({ endUser: "ada", project: "bot", keyId: null });

    const [head = "", body = "", signature = ""] = text.split(".");
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const forged: Record<string, string> = {
      "no algorithm": `${encoded({ ...header, alg: "none" })}.${body}.`,
      "no algorithm, in capitals": `${encoded({ ...header, alg: "NONE" })}.${body}.${signature}`,
      "another algorithm under the same secret": await signed(
        good,
        { alg: "HS512" },
        Buffer.concat([secret, secret]),
      ),
      "an algorithm of public keys": `${encoded({ ...header, alg: "RS256" })}.${body}.${signature}`,
      "another type": await signed(good, { typ: "JWT" }),
      "no type": await signed(good, { typ: undefined }),
      "no id": await signed(good, { kid: undefined }),
      "an unknown id": await signed(good, { kid: "0000000000000000" }),
      "an id of an object's own": await signed(good, { kid: "__proto__" }),
      "an id that is a path": await signed(good, { kid: "../../dev/null" }, new Uint8Array(32)),
      "an empty secret": await signed(good, {}, new Uint8Array(32)),
      "an unknown critical header": `${encoded({ ...header, crit: ["x"], x: 1 })}.${body}.${signature}`,
      "another user behind the signature": `${head}.${encoded({ ...good, sub: "bob" })}.${signature}`,
      "half a signature": text.slice(0, -20),
      "another issuer": await signed({ ...good, iss: "other" }),
      "no issuer": await signed(without("iss")),
      "no user": await signed(without("sub")),
      "an empty user": await signed({ ...good, sub: "" }),
      "no project": await signed(without("project")),
      "no end": await signed(without("exp")),
      "an end that is over": await signed({ ...good, exp: seconds }),
      "a beginning to come": await signed({ ...good, nbf: seconds + 30 }),
    };
    for (const [what, token] of Object.entries(forged)) {
      const refusal = await tokens.verify(token).then(
        () => "let in",
        (error: unknown) => error,
      );
      expect([what, refusal]).toEqual([what, expect.objectContaining({ code: "unauthorized" })]);
    }
  });

  test("that cannot be replaced goes on", async () => {
    const file = path.join(await folderWith(), "keys", "session-tokens.json");
    const secrets = new SigningSecrets({ file, now, logger: silent });
    const { id } = secrets.current();
    const folder = path.dirname(file);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "a file where the folder was");
    clock.ms += 31 * DAY_MS;
    expect(secrets.current().id).toBe(id);
  });
});
