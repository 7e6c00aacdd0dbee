/** Which events a tail shows. */
import type { EventType, SessionEvent } from "../../shared/events.ts";
import { isTerminal } from "../../shared/events.ts";

export interface EventFilterOptions {
  /** Null: every type, harness internals only where they are asked for. */
  readonly types: readonly EventType[] | null;
  readonly includeSystem: boolean;
  /** A turn's id, or its start, with or without `turn_`. Null: every turn. */
  readonly turn: string | null;
}

/** Asked of each event in order, since the first event of the turn settles which turn a shortened id means. */
export class EventFilter {
  readonly #types: ReadonlySet<EventType> | null;
  readonly #includeSystem: boolean;
  readonly #start: string | null;
  #turnId: string | null = null;
  #isOver = false;

  constructor({ types, includeSystem, turn }: EventFilterOptions) {
    this.#types = types === null ? null : new Set(types);
    this.#includeSystem = includeSystem;
    this.#start = turn === null || turn.startsWith("turn_") ? turn : `turn_${turn}`;
  }

  shows(event: SessionEvent): boolean {
    if (!this.#isOfTurn(event)) return false;
    if (this.#start !== null && isTerminal(event)) this.#isOver = true;
    if (this.#types !== null) return this.#types.has(event.type);
    return event.type !== "system" || this.#includeSystem;
  }

  /** True when the one turn that is asked for has been seen. */
  get hasTurn(): boolean {
    return this.#turnId !== null;
  }

  /** True when the one turn that is asked for has ended: nothing more is to come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  #isOfTurn({ turn_id: turnId }: SessionEvent): boolean {
    if (this.#start === null) return true;
    if (this.#turnId === null && turnId?.startsWith(this.#start) === true) this.#turnId = turnId;
    return turnId !== null && turnId === this.#turnId;
  }
}
