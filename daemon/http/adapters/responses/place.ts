/** Where a new response belongs: which session it goes on in, if any, and what its agent has to be told first. */
import { KartaError } from "../../../../shared/errors.ts";
import type { Session } from "../../../../shared/protocol/sessions.ts";
import type { Scope } from "../../../sessions/scope.ts";
import type { AdapterOptions } from "../adapter.ts";
import type { EarlierMessage } from "../preface.ts";
import { earlierOf, historyOf, type ResponseReader } from "./history.ts";
import { responseOfItem, sessionIdOf } from "./ids.ts";
import { joinedText, type GivenInput } from "./input.ts";
import { inputOf, noSuchResponse, readResponse, type StoredResponse } from "./stored-response.ts";

/** What a request names to go on from, as it stands before its session is held. */
export type Anchor =
  | { readonly kind: "none" }
  /** A conversation, or a session by its header. */
  | { readonly kind: "session"; readonly session: Session }
  | { readonly kind: "response"; readonly response: StoredResponse; readonly session: Session }
  /** The input repeats a whole conversation, and its last answer is a response's. */
  | { readonly kind: "repeated"; readonly response: StoredResponse; readonly session: Session };

export interface Place {
  /** Null: a new session. */
  readonly session: Session | null;
  /** The response before. */
  readonly parent: StoredResponse | null;
  /** What was said up to the response before, where the agent has not heard it. */
  readonly history: readonly EarlierMessage[];
  /** What the request itself says was said before, where the agent has not heard it. */
  readonly brought: readonly EarlierMessage[];
  /** The instructions that the agent knows; empty: none. */
  readonly told: string;
}

export interface Wanted {
  readonly previous: string | null;
  readonly conversation: string | null;
  readonly given: GivenInput;
  /** False: what is stored must not change. */
  readonly store: boolean;
  /** Its Idempotency-Key: one that was sent before finds its turn where that was. */
  readonly key: string | null;
}

/** Finds places among one caller's sessions. */
export class Places {
  readonly #options: AdapterOptions;
  readonly #scope: Scope;
  readonly #reader: ResponseReader;

  constructor(options: AdapterOptions, scope: Scope) {
    this.#options = options;
    this.#scope = scope;
    this.#reader = {
      find: async (id) => (await this.find(id))?.response ?? null,
      responses: options.responses,
      eventsOf: options.eventsOf,
    };
  }

  /** A stored response with its session; null where there is none, or not in this scope. */
  async find(id: string): Promise<{ response: StoredResponse; session: Session } | null> {
    const response = await this.#options.responses.get(id);
    const session = response === null ? null : await this.#session(response.session_id);
    return response === null || session === null ? null : { response, session };
  }

  /** @throws KartaError `not_found` */
  async require(id: string): Promise<{ response: StoredResponse; session: Session }> {
    const found = await this.find(id);
    if (found === null) throw noSuchResponse(id);
    return found;
  }

  /** @throws KartaError `not_found` */
  async requireConversation(id: string): Promise<Session> {
    const session = await this.#session(sessionIdOf(id));
    if (session?.status === "active") return session;
    throw new KartaError("not_found", `Conversation with id '${id}' not found.`, {
      fields: { param: "conversation" },
    });
  }

  /** @throws KartaError `not_found`, `invalid_request` */
  async anchor({ previous, conversation, given }: Wanted): Promise<Anchor> {
    if (previous !== null) {
      const found = await this.find(previous);
      if (found === null) throw noPrevious(previous);
      return { kind: "response", ...found };
    }
    if (conversation !== null) {
      return { kind: "session", session: await this.requireConversation(conversation) };
    }
    const answered = given.past.findLast((item) => item.kind === "reference" || item.role === "assistant");
    const repeated = responseOfItem(answered?.id ?? "");
    const found = repeated === null ? null : await this.find(repeated);
    return found === null ? { kind: "none" } : { kind: "repeated", ...found };
  }

  /** Called while the session is held: nothing else of this API is sent to it meanwhile. @throws KartaError `invalid_request` */
  async settle(anchor: Anchor, wanted: Wanted): Promise<Place> {
    const brought = await earlierOf(wanted.given.past, this.#reader);
    const fresh = { session: null, parent: null, history: [], brought, told: "" };
    switch (anchor.kind) {
      case "none":
        return fresh;
      case "session": {
        const parent = await this.#options.responses.newestOf(anchor.session.id);
        const told = parent !== null && (await this.#wasHeard(parent)) ? inputOf(parent).told : "";
        return { session: anchor.session, parent, history: [], brought, told };
      }
      case "response": {
        const { response, session } = anchor;
        if (await this.#goesOn(anchor, wanted))
          return { session, parent: response, history: [], brought, told: inputOf(response).told };
        return { ...fresh, parent: response, history: await historyOf(response, this.#reader) };
      }
      case "repeated": {
        const { response, session } = anchor;
        if (!(await this.#goesOn(anchor, wanted))) return fresh;
        if (!same(await historyOf(response, this.#reader), brought)) return fresh; // it was edited
        return { session, parent: response, history: [], brought: [], told: inputOf(response).told };
      }
    }
  }

  /** The response's session has heard nothing since, but this very request. */
  async #goesOn(
    { response, session }: { readonly response: StoredResponse; readonly session: Session },
    { store, key }: Wanted,
  ): Promise<boolean> {
    const { responses } = this.#options;
    if (!store || session.status !== "active") return false;
    if ((await responses.newestTurnOf(session.id)) === response.turn_id) return this.#wasHeard(response);
    return key !== null && (await responses.isKeyUsed(session.id, key));
  }

  /** Its agent was told it: a turn that failed at its start, or was cancelled while it waited, is not in the thread. */
  async #wasHeard(response: StoredResponse): Promise<boolean> {
    if ((await this.#options.responses.endOf(response)) === null) return true; // it runs, or will
    const { status, output } = (await readResponse(response, this.#reader)).response();
    return status === "completed" || output.length > 0;
  }

  async #session(id: string): Promise<Session | null> {
    try {
      return await this.#options.sessions.get(this.#scope, id);
    } catch (error) {
      if (error instanceof KartaError && error.code === "not_found") return null;
      throw error;
    }
  }
}

/** Whatever pieces it comes in: an answer between two tools is two items of one response. */
function same(one: readonly EarlierMessage[], other: readonly EarlierMessage[]): boolean {
  return JSON.stringify(merged(one)) === JSON.stringify(merged(other));
}

function merged(messages: readonly EarlierMessage[]): EarlierMessage[] {
  const whole: EarlierMessage[] = [];
  for (const { role, text } of messages) {
    if (text === "") continue;
    const last = whole.at(-1);
    if (last?.role !== role) whole.push({ role, text });
    else
      whole[whole.length - 1] = {
        role,
        text: role === "user" ? joinedText([last.text, text]) : last.text + text,
      };
  }
  return whole;
}

/** As OpenAI answers it: a 400 of its own code. */
function noPrevious(id: string): KartaError {
  return new KartaError("invalid_request", `Previous response with id '${id}' not found.`, {
    fields: { param: "previous_response_id", code: "previous_response_not_found" },
  });
}
