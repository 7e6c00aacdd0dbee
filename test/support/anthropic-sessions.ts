/** Managed Agents as a test's client sees them: the official client, and streams that are read piece by piece. */
import type Anthropic from "@anthropic-ai/sdk";

export type StreamEvent = Anthropic.Beta.Sessions.BetaManagedAgentsStreamSessionEvents;
export type ListedEvent = Anthropic.Beta.Sessions.BetaManagedAgentsSessionEvent;
type SentEvent = Anthropic.Beta.Sessions.BetaManagedAgentsEventParams;

export class ManagedClient {
  readonly sessions: Anthropic["beta"]["sessions"];
  readonly #project: string;

  constructor(client: Anthropic, project: string) {
    this.sessions = client.beta.sessions;
    this.#project = project;
  }

  /** @returns its id */
  async create(agent = this.#project): Promise<string> {
    return (await this.sessions.create({ agent, environment_id: this.#project })).id;
  }

  saying(text: string): Anthropic.Beta.Sessions.BetaManagedAgentsUserMessageEventParams {
    return { type: "user.message", content: [{ type: "text", text }] };
  }

  send(
    id: string,
    ...events: SentEvent[]
  ): Promise<Anthropic.Beta.Sessions.BetaManagedAgentsSendSessionEvents> {
    return this.sessions.events.send(id, { events });
  }

  listed(id: string): Promise<ListedEvent[]> {
    return Array.fromAsync(this.sessions.events.list(id));
  }

  async watch(
    id: string,
    event_deltas?: Anthropic.Beta.Sessions.BetaManagedAgentsDeltaType[],
  ): Promise<Watched> {
    return new Watched(
      await this.sessions.events.stream(id, event_deltas === undefined ? {} : { event_deltas }),
    );
  }

  /** Empty for what has none. */
  idOf(event: object | undefined): string {
    return event !== undefined && "id" in event ? String(event.id) : "";
  }
}

/** A session's stream, read on from where the last reading stopped. */
export class Watched {
  readonly #events: AsyncIterator<StreamEvent>;
  readonly #close: () => void;

  constructor(stream: AsyncIterable<StreamEvent> & { readonly controller: AbortController }) {
    this.#events = stream[Symbol.asyncIterator]();
    this.#close = () => stream.controller.abort();
  }

  /** All up to the next event of this type, that one too. @throws when the stream ends without */
  async until(
    type: StreamEvent["type"],
    look?: (event: StreamEvent) => Promise<void>,
  ): Promise<StreamEvent[]> {
    const seen: StreamEvent[] = [];
    for (;;) {
      const next = await this.#events.next();
      if (next.done === true) throw new Error(`the stream ended without ${type}: ${JSON.stringify(seen)}`);
      seen.push(next.value);
      await look?.(next.value);
      if (next.value.type === type) return seen;
    }
  }

  untilIdle(look?: (event: StreamEvent) => Promise<void>): Promise<StreamEvent[]> {
    return this.until("session.status_idle", look);
  }

  /** The client leaves. */
  close(): void {
    this.#close();
  }
}

/** What the agent said, in all. */
export function textOfEvents(events: readonly (StreamEvent | ListedEvent)[]): string {
  return events
    .flatMap((event) => (event.type === "agent.message" ? event.content : []))
    .map((block) => (block.type === "text" ? block.text : ""))
    .join("");
}

export function idleReasonOf(events: readonly StreamEvent[]): unknown {
  const last = events.at(-1);
  return last?.type === "session.status_idle" ? last.stop_reason : null;
}
