/** Clients that steer: cancels, answers to what agents ask, changed metadata, sessions made and deleted, pages read. */
import { SessionSchema } from "../../../../../shared/protocol/sessions.ts";
import { ask, askUntilAnswered, isTrouble, type Act, type Play } from "../play.ts";
import type { Project } from "../scene.ts";

export const cancel: Act = async ({ url, slots }, random) => {
  await ask(url, "POST", `/v1/sessions/${random.pick(slots).id}/cancel`);
};

/** Answers what waits for an answer, if something does. */
export const approve: Act = async ({ url, slots }, random) => {
  const { id } = random.pick(slots);
  const answer = await ask(url, "GET", `/v1/sessions/${id}`);
  if (answer?.status !== 200) return;
  const pending = SessionSchema.parse(answer.body).pending_input;
  if (pending === null) return;
  const decision = random.pick(["approve_once", "deny"]);
  await ask(url, "PUT", `/v1/sessions/${id}/inputs/${pending.request_id}`, { decision });
};

/** Counts up in the session's metadata. What was answered must stay. */
export const patch: Act = async ({ url, slots, ledger }, random) => {
  const slot = random.pick(slots);
  const owned = ledger.sessions.get(slot.id);
  if (slot.isPatched || owned === undefined) return;
  slot.isPatched = true;
  owned.sentCount += 1;
  const answer = await ask(url, "PATCH", `/v1/sessions/${slot.id}`, { metadata: { count: owned.sentCount } });
  if (answer === null) return; // it may still come about: no later one could be told from it
  if (answer.status === 200) owned.storedCount = owned.sentCount;
  slot.isPatched = false;
};

/** A new session, whatever gets lost on the way. */
export async function openSession(
  { url, ledger }: Pick<Play, "url" | "ledger">,
  project: Project,
  key: string,
) {
  const body = { project, metadata: { count: 0 } };
  const answer = await askUntilAnswered(url, "POST", "/v1/sessions", body, { "Idempotency-Key": key });
  if (answer.status !== 201) throw new Error(`a session was refused: ${JSON.stringify(answer)}`);
  const { id } = SessionSchema.parse(answer.body);
  ledger.answered(key, id);
  ledger.own(id);
  return id;
}

/** Deletes one of the sessions and makes another; in the middle of its turns, maybe. */
export const replace: Act = async (play, random) => {
  const { url, slots, ledger } = play;
  const slot = random.pick(slots);
  if (slot.isKept || slot.isPatched) return;
  const owned = ledger.sessions.get(slot.id);
  slot.isPatched = true;
  const key = `create-${random.next()}`;
  slot.id = await openSession(play, slot.project, key);
  slot.isPatched = false;
  if (random.chance(0.3)) ledger.answered(key, await openSession(play, slot.project, key));
  const answer = owned === undefined ? null : await ask(url, "DELETE", `/v1/sessions/${owned.id}`);
  if (owned !== undefined && answer?.status === 204) owned.isDeleted = true;
};

/** Reads every page of the sessions: none comes twice. */
export const pages: Act = async ({ client, ledger }) => {
  const seen = new Set<string>();
  try {
    for await (const { id } of client.listSessions()) {
      if (seen.has(id)) ledger.surprise("pages", new Error(`${id} is on two pages`));
      seen.add(id);
    }
  } catch (error) {
    if (!isTrouble(error)) throw error;
  }
};

/** What is looked at by the way. */
export const look: Act = async ({ url, slots }, random) => {
  const { id } = random.pick(slots);
  const route = random.pick(["/healthz", "/readyz", `/v1/sessions/${id}`, `/v1/sessions/${id}/messages`]);
  await ask(url, "GET", route);
};
