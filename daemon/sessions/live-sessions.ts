/** Sessions in memory: those with turns, and those a call works on. Each is there once, and dropped when it is idle. */
import { KartaError } from "../../shared/errors.ts";
import { LiveSession } from "./live-session.ts";
import type { SessionRuntime } from "./runtime.ts";
import type { Turn } from "./turn.ts";
import { UnstoredEnds } from "./unstored-ends.ts";

interface Held {
  readonly opening: Promise<LiveSession>;
  /** Null while it opens. */
  session: LiveSession | null;
  /** Calls that need it. */
  holds: number;
}

export function noSuchSession(): KartaError {
  return new KartaError("not_found", "no such session");
}

/** Owner: the session service. */
export class LiveSessions {
  readonly #runtime: SessionRuntime;
  readonly #held = new Map<string, Held>();
  /** Ends of their turns that the store does not take now. */
  readonly ends: UnstoredEnds;

  constructor(runtime: SessionRuntime) {
    this.#runtime = runtime;
    this.ends = new UnstoredEnds(runtime.log);
  }

  get all(): readonly LiveSession[] {
    return [...this.#held.values()].flatMap((held) => held.session ?? []);
  }

  /** The session if it is in memory now. */
  find(id: string): LiveSession | null {
    return this.#held.get(id)?.session ?? null;
  }

  /** Its turn in hand, or the next; null for a session that has none. */
  turnOf(id: string): Turn | null {
    return this.find(id)?.turn ?? null;
  }

  /** The session, waiting for one that is just being opened. */
  async findOpening(id: string): Promise<LiveSession | null> {
    return (await this.#held.get(id)?.opening.catch(() => null)) ?? null;
  }

  /** Opens the session if need be, and keeps it while `use` runs. @throws KartaError `not_found` */
  async use<T>(id: string, use: (session: LiveSession) => Promise<T>): Promise<T> {
    let held = this.#held.get(id);
    if (!held) {
      held = { opening: this.#open(id), session: null, holds: 0 };
      this.#held.set(id, held);
    }
    held.holds += 1; // before anything is awaited, so that nobody drops it in between
    try {
      held.session = await held.opening;
      return await use(held.session);
    } finally {
      held.holds -= 1;
      this.#dropIfIdle(id);
    }
  }

  async #open(id: string): Promise<LiveSession> {
    const record = await this.#runtime.sessions.get(id);
    const project = record === null ? null : this.#runtime.projects.find(record.project);
    if (record === null || project === null) throw noSuchSession();
    const { ends } = this;
    const onIdle = (): void => this.#dropIfIdle(id);
    return new LiveSession({ record, project, runtime: this.#runtime, ends, onIdle });
  }

  #dropIfIdle(id: string): void {
    const held = this.#held.get(id);
    if (!held || held.holds > 0 || held.session?.isIdle === false) return;
    this.#held.delete(id);
    if (held.session !== null) this.#runtime.log.close(id);
  }
}
