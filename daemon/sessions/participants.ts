/** Who takes part in one session: those added by hand, and those whose messages came. A name stands once. */
import { KartaError } from "../../shared/errors.ts";
import { ParticipantSchema, type Participant } from "../../shared/events.ts";
import { LIMITS } from "../../shared/protocol/limits.ts";
import { z } from "zod";

/** What a caller says of a participant; what is left out stays as it is for a known name. */
export interface GivenParticipant {
  readonly name: string;
  readonly type?: Participant["type"] | undefined;
  readonly display_name?: string | null | undefined;
}

/** The participants that a session's row holds, in the order they came. */
export function parseParticipants(json: string): Participant[] {
  return z.array(ParticipantSchema).parse(JSON.parse(json));
}

/** A participant that was taken in. */
export interface Taken {
  readonly participant: Participant;
  /** There is something to store. */
  readonly isNews: boolean;
  /** It is stored. */
  readonly keep: () => void;
  /** It could not be stored. */
  readonly undo: () => void;
}

/** Owner: its `LiveSession`. Bounded by `LIMITS.participants`. */
export class Participants {
  readonly #known: Map<string, { readonly participant: Participant; isStored: boolean }>;

  constructor(stored: readonly Participant[]) {
    this.#known = new Map(stored.map((participant) => [participant.name, { participant, isStored: true }]));
  }

  /** The participant as it would be taken in; nothing is. */
  preview(given: GivenParticipant): Participant {
    const before = this.#known.get(given.name)?.participant;
    return {
      name: given.name,
      type: given.type ?? before?.type ?? "human",
      display_name: given.display_name === undefined ? (before?.display_name ?? null) : given.display_name,
    };
  }

  /**
   * Takes a participant in. Its place is taken at once, so that the bound holds for those that come together; `keep` or
   * `undo` must follow.
   * @param field the request's field that names it, for the error
   * @throws KartaError `invalid_request` when there are as many as there may be
   */
  take(given: GivenParticipant, field: string): Taken {
    const known = this.#known.get(given.name);
    if (known === undefined && this.#known.size >= LIMITS.participants) {
      const message = `a session has at most ${LIMITS.participants} participants, and this name would be one more`;
      throw new KartaError("invalid_request", message, { issues: [{ path: field, message }] });
    }
    const before = known?.participant;
    const participant = this.preview(given);
    const isSame = before?.type === participant.type && before.display_name === participant.display_name;
    const entry = isSame && known ? known : { participant, isStored: false };
    this.#known.set(given.name, entry);
    return {
      participant,
      isNews: !entry.isStored,
      keep: () => (entry.isStored = true),
      undo: () => {
        if (entry.isStored || this.#known.get(given.name) !== entry) return; // another request has stored it
        if (known?.isStored === true) this.#known.set(given.name, known);
        else this.#known.delete(given.name);
      },
    };
  }
}
