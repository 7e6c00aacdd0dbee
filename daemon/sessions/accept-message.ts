/** From a sent message to a turn that is stored: a repeated send finds its turn, the app's policies have their say. */
import { KartaError } from "../../shared/errors.ts";
import type { SendMessage } from "../../shared/protocol/sessions.ts";
import type { TurnImage } from "../harness/harness.ts";
import { appSession } from "./app-events.ts";
import { askPolicies } from "./app.ts";
import type { Idempotency } from "./idempotency.ts";
import type { AcceptedMessage, LiveSession } from "./live-session.ts";
import { findRepeatedTurn, type AcceptedTurn } from "./repeated-turn.ts";
import type { SessionApp, SessionProject, SessionRuntime } from "./runtime.ts";
import { requireAgent } from "./scope.ts";
import type { TurnInput } from "./turn.ts";

/** A message as a route hands it over: the public fields, and what only adapters of other APIs give. */
export interface SentMessage extends SendMessage {
  /** What the agent is told before the text, and people are not shown: instructions, an earlier conversation. */
  readonly preface?: string | null;
  readonly images?: readonly TurnImage[];
  /** What else is written in the transaction that stores the turn's end. */
  readonly changesAtEnd?: TurnInput["changesAtEnd"];
}

export type { TurnImage };

export interface AcceptOptions {
  readonly body: SentMessage;
  readonly idempotency: Idempotency | null;
  /** Asked after each wait. Throws when the session takes no messages any more. */
  readonly requireOpen: () => void;
}

/** @throws KartaError as `SessionService.send`; then nothing was accepted */
export async function acceptMessage(
  runtime: SessionRuntime,
  session: LiveSession,
  options: AcceptOptions,
): Promise<AcceptedTurn> {
  const app = await session.project.app();
  if (app?.hasPolicies === true) return session.admitInOrder(() => accept(runtime, session, options, app));
  const { idempotency } = options;
  if (idempotency === null) return accept(runtime, session, options, null);
  // Two that come together would both find that neither is there yet.
  return session.inOrder.run(`send ${idempotency.key}`, () => accept(runtime, session, options, null));
}

/** @param policies null: nobody is asked */
async function accept(
  runtime: SessionRuntime,
  session: LiveSession,
  { body, idempotency, requireOpen }: AcceptOptions,
  policies: SessionApp | null,
): Promise<AcceptedTurn> {
  requireOpen();
  const repeated = idempotency === null ? null : await findRepeatedTurn(runtime, session, idempotency);
  if (repeated !== null) return repeated;
  if (body.agent !== undefined) requireAgent(session.project, body.agent);
  session.project.requireReady();
  const images = body.images ?? [];
  if (images.length > 0) requireImages(session.project);
  const message: AcceptedMessage = {
    text: body.text,
    preface: body.preface ?? null,
    images,
    changesAtEnd: body.changesAtEnd ?? null,
    agent: body.agent ?? null,
    speaker:
      body.participant_name === undefined
        ? null
        : { name: body.participant_name, type: body.participant_type },
    thinking: body.thinking ?? false,
    idempotency,
  };
  if (policies === null) return { kind: "live", turn: await session.enqueue(message) };
  const text = await askPolicies(policies, {
    text: message.text,
    participant: message.speaker === null ? null : session.participants.preview(message.speaker),
    agent: message.agent ?? session.record.current_agent,
    session: appSession(session.record),
    message_count: await runtime.turns.countOf(session.record.id),
  });
  requireOpen();
  return { kind: "live", turn: await session.enqueue({ ...message, text }) };
}

/** @throws KartaError `invalid_request` where the project's agent is known to take none */
function requireImages({ harness, name }: SessionProject): void {
  if (harness.takesImages(name) !== false) return;
  throw new KartaError("invalid_request", `the agent of ${name} takes no images; send text alone`);
}
