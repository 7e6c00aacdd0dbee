/** The three calls this web server makes to Karta. The browser makes none of them itself. */
import {
  ConnectionError,
  KartaClient,
  type Health,
  type KeyedOptions,
  type SessionEvent,
  type WatchOptions,
} from "karta/client";

/** A call that starts nothing slow is answered within this, or Karta counts as gone. */
const ANSWER_MS = 10_000;

/** Nobody answers at Karta's address; `message` says what to do about it. */
export class KartaUnreachable extends Error {
  override readonly name = "KartaUnreachable";
}

/** Karta's client, for one project, with an advice where it cannot be reached. */
export class Karta {
  readonly #client: KartaClient;
  readonly #url: string;
  readonly #project: string | undefined;

  /**
   * @param project the project new sessions belong to; left out, Karta takes its default
   * @param apiKey for a Karta that has keys
   */
  constructor(url: string, project: string | undefined, apiKey: string | undefined) {
    this.#client = new KartaClient({ url, apiKey });
    this.#url = url;
    this.#project = project;
  }

  /** @throws KartaUnreachable, KartaError */
  async health(): Promise<Health> {
    try {
      return await this.#client.health({ signal: AbortSignal.timeout(ANSWER_MS) });
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** The new session's id. @throws KartaUnreachable, KartaError */
  async createSession(metadata: Readonly<Record<string, string>>): Promise<string> {
    const project = this.#project === undefined ? {} : { project: this.#project };
    try {
      const options = { signal: AbortSignal.timeout(ANSWER_MS) };
      return (await this.#client.createSession({ metadata, ...project }, options)).id;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /**
   * Sends the visitor's text and yields the reply's events, to the last one: over a restart of Karta too.
   * @throws KartaUnreachable, KartaError
   */
  async *reply(
    sessionId: string,
    text: string,
    options: KeyedOptions & WatchOptions,
  ): AsyncGenerator<SessionEvent> {
    try {
      yield* this.#client.stream(sessionId, { text }, options);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #explained(error: unknown): unknown {
    const timedOut = error instanceof Error && error.name === "TimeoutError";
    if (!timedOut && !(error instanceof ConnectionError)) return error;
    const { port } = new URL(this.#url);
    const advice = `Start it in another terminal: karta serve --port ${port || "80"}`;
    return new KartaUnreachable(`Karta does not answer at ${this.#url}. ${advice}`, { cause: error });
  }
}
