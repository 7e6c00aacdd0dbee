/** Credentials of every kind, of a kartad with the projects `bot` and `other`, and what none of their bearers may see. */
import { z } from "zod";
import { CreatedKeySchema, type CreateKey } from "../../../shared/protocol/keys.ts";
import { SessionSchema } from "../../../shared/protocol/sessions.ts";
import { request } from "../api.ts";
import { onControl } from "../control.ts";
import { bearer } from "../keys.ts";
import type { FuzzAnswer } from "./send.ts";

/** A word in the metadata of a session, which its own people alone may read. */
const WORDS = { ada: "canary-of-ada", bob: "canary-of-bob", other: "canary-of-other" } as const;
type Owner = keyof typeof WORDS;

export interface FuzzCredential {
  readonly headers: Readonly<Record<string, string>>;
  /** Null: it is no good, and opens nothing. */
  readonly reads: readonly Owner[] | null;
}

/** What needs no credential. */
const FOR_ANYBODY = /^[a-z]+ \/(healthz|readyz|openapi\.json|v1\/embed\/session-tokens)$/;

/** What is wrong with an answer to the bearer of a credential; null for nothing. */
export function leakIn(
  about: string,
  { reads }: FuzzCredential,
  { status, said }: FuzzAnswer,
): string | null {
  const seen = Object.entries(WORDS).find(([owner, word]) => {
    return said.includes(word) && reads?.some((one) => one === owner) !== true;
  });
  if (seen !== undefined) return `${status}, and it tells what is ${seen[0]}'s`;
  return reads === null && status < 400 && !FOR_ANYBODY.test(about) ? `${status} without a credential` : null;
}

/** Sessions of everybody, each with its word. Requests change and delete them: make new ones now and then. */
export function canaries(socket: string): Promise<string[]> {
  const wanted: readonly (readonly [Owner, string])[] = [
    ["ada", "bot"],
    ["bob", "bot"],
    ["other", "other"],
  ];
  return Promise.all(
    wanted.map(async ([owner, project]) => {
      const metadata = { end_user: owner === "other" ? "ada" : owner, note: WORDS[owner] };
      const made = await onControl(socket, "POST", `/v1/projects/${project}/sessions`, { metadata });
      return SessionSchema.parse(made).id;
    }),
  );
}

/** By name. From here on kartad wants one. */
export async function fuzzCredentials(socket: string, url: string): Promise<Map<string, FuzzCredential>> {
  const make = async (key: CreateKey) =>
    CreatedKeySchema.parse(await onControl(socket, "POST", "/control/v1/keys", key));
  const api = async (name: string, given: Partial<Extract<CreateKey, { kind: "api" }>> = {}) =>
    (await make({ kind: "api", name, ...given })).key;
  const backend = await api("backend");
  const token = async (project: string, sub: string) => {
    const path = `/v1/projects/${project}/session_tokens`;
    const { body } = await request(url, "POST", path, { sub }, bearer(backend));
    return z.string().parse(body.token);
  };
  const revoked = await make({ kind: "api", name: "revoked" });
  await onControl(socket, "DELETE", `/control/v1/keys/${revoked.id}`);
  const embed = await make({
    kind: "embed",
    name: "page",
    project: "bot",
    origins: ["https://shop.example"],
  });

  const all = ["ada", "bob", "other"] as const;
  const bots = ["ada", "bob"] as const;
  const credential = (text: string, reads: readonly Owner[] | null): FuzzCredential => ({
    headers: bearer(text),
    reads,
  });
  const admin = await api("admin", { scope: "admin" });
  return new Map<string, FuzzCredential>([
    ["none", { headers: {}, reads: null }],
    ["words", credential("let-me-in", null)],
    ["long words", credential("x".repeat(6000), null)],
    ["basic", { headers: { Authorization: "Basic YTpi" }, reads: null }],
    ["revoked", credential(revoked.key, null)],
    ["embed", credential(embed.key, null)],
    ["spoilt", credential(`${backend.slice(0, -1)}${backend.endsWith("0") ? "1" : "0"}`, null)],
    ["backend", credential(backend, all)],
    ["backend by x-api-key", { headers: { "x-api-key": backend }, reads: all }],
    ["admin", credential(admin, all)],
    ["admin of other", credential(await api("others", { scope: "admin", project: "other" }), ["other"])],
    ["looks", credential(await api("looks", { scope: "read" }), all)],
    ["bot", credential(await api("bot", { project: "bot" }), bots)],
    ["bot looks", credential(await api("bot looks", { project: "bot", scope: "read" }), bots)],
    ["other", credential(await api("other", { project: "other" }), ["other"])],
    ["ada", credential(await token("bot", "ada"), ["ada"])],
    ["bob", credential(await token("bot", "bob"), ["bob"])],
    ["ada of other", credential(await token("other", "ada"), ["other"])],
  ]);
}
