/** Every kind of credential, and what its bearer may expect of a place. Ada is a user of the project `bot`; so is Bob. */
import { SignJWT, UnsecuredJWT } from "jose";
import type { Authenticator } from "../../../daemon/keys/authenticator.ts";
import { apiKey, bearer, embedKey, tokenOf } from "../keys.ts";
import type { Line } from "./lines.ts";
import { namedBy, type Place } from "./places.ts";

/** `as if it were not there`: 404, and not a word other than for what nobody has. */
export type Outcome = "401" | "403" | "as if it were not there" | "let in";

export interface Credential {
  readonly headers: Readonly<Record<string, string>>;
  readonly expects: (place: Place, line: Line) => Outcome;
}

const refused = (): Outcome => "401";

/** @param ofProject it is bound to the project, or to none */
function keyExpects(ofProject: boolean, scope: "read" | "write" | "admin") {
  return (place: Place, line: Line): Outcome => {
    if (line.for === "the daemon's admins") return "403";
    if (scope === "read" && place.method !== "GET") return "403";
    if (!ofProject && place.family === "project") return "403";
    return !ofProject && namedBy(place) !== "nothing" ? "as if it were not there" : "let in";
  };
}

/** @param ofUser it is of the user whose things are asked for */
function tokenExpects(ofProject: boolean, ofUser: boolean) {
  return (place: Place, line: Line): Outcome => {
    if (place.family !== "project" || line.for !== "members" || !ofProject) return "403";
    return !ofUser && namedBy(place) === "a user's" ? "as if it were not there" : "let in";
  };
}

/** By name. @param clock the authenticator's, which is moved on */
export async function allCredentials(
  authenticator: Authenticator,
  clock: { ms: number },
): Promise<Map<string, Credential>> {
  const all = new Map<string, Credential>();
  const add = (name: string, text: string, expects: Credential["expects"]) =>
    all.set(name, { headers: bearer(text), expects });
  const soon = () => new Date(clock.ms + 1000).toISOString();
  const token = (user: string, given: Parameters<typeof tokenOf>[2] = {}) =>
    tokenOf(authenticator, user, given);
  const backend = await apiKey(authenticator);
  const gone = await apiKey(authenticator);
  const brief = await apiKey(authenticator, { expires_at: soon() });
  const ada = { sub: "ada", project: "bot" };

  all.set("none", { headers: {}, expects: refused });
  all.set("a scheme that is not asked for", { headers: { Authorization: "Basic YTpi" }, expects: refused });
  add("words", "let-me-in", refused);
  add("the beginning of a key with another secret", `${backend.prefix}_${"0".repeat(50)}`, refused);
  add("an embed key, which opens no route", (await embedKey(authenticator)).key, refused);
  add("a key that has expired", brief.key, refused);
  add("a key that was revoked", gone.key, refused);
  add("a token that has expired", await token("ada", { seconds: 1 }), refused);
  add("a token of a key that was revoked", await token("ada", { keyId: gone.id }), refused);
  add("a token of a key that has expired", await token("ada", { keyId: brief.id }), refused);
  const claims = new SignJWT(ada).setIssuer("karta").setExpirationTime("2h");
  const head = { alg: "HS256", typ: "karta-session+jwt", kid: "0" };
  const forged = await claims.setProtectedHeader(head).sign(Buffer.alloc(32));
  add("a token that another kartad signed", forged, refused);
  add("a token that nobody signed", new UnsecuredJWT(ada).setIssuer("karta").encode(), refused);
  await authenticator.keys.revoke(gone.id);
  clock.ms += 60_000;

  const key = async (given: Parameters<typeof apiKey>[1]) => (await apiKey(authenticator, given)).key;
  const others = { project: "other" };
  add("a key of another project", await key(others), keyExpects(false, "write"));
  add(
    "an admin key of another project",
    await key({ ...others, scope: "admin" }),
    keyExpects(false, "admin"),
  );
  add("a key that may only look", await key({ scope: "read" }), keyExpects(true, "read"));
  add("a key of the project", await key({ project: "bot" }), keyExpects(true, "write"));
  add(
    "an admin key of the project",
    await key({ project: "bot", scope: "admin" }),
    keyExpects(true, "admin"),
  );
  add("a key of every project", backend.key, keyExpects(true, "write"));
  add("an admin key", await key({ scope: "admin" }), () => "let in");
  add("the user's token", await token("ada"), tokenExpects(true, true));
  add("the user's token of a key", await token("ada", { keyId: backend.id }), tokenExpects(true, true));
  add("another user's token", await token("bob"), tokenExpects(true, false));
  add("a token of another project", await token("ada", others), tokenExpects(false, true));
  return all;
}
