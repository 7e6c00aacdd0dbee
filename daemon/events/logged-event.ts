/** An event with its place in the log. Its wire form is made once, however many watchers it goes to. */
import type { EventType, SessionEvent } from "../../shared/events.ts";
import { SessionEventSchema } from "../../shared/events.ts";
import type { StoredEventRow } from "../store/events.ts";
import { asOneLine } from "./one-line.ts";

export class LoggedEvent {
  /** The order over all sessions. */
  readonly id: number;
  readonly sessionId: string;
  readonly seq: number;
  readonly turnId: string | null;
  readonly type: EventType;
  readonly #row: StoredEventRow;
  #json: string | null = null;
  #frame: string | null = null;
  #jsonBytes: Buffer | null = null;
  #frameBytes: Buffer | null = null;

  constructor(row: StoredEventRow) {
    this.#row = row;
    this.id = row.id;
    this.sessionId = row.session_id;
    this.seq = row.seq;
    this.turnId = row.turn_id;
    this.type = row.type;
  }

  /** About how long it is, in characters. */
  get size(): number {
    return this.#row.data.length;
  }

  /** The event as JSON text: one line, whatever an agent wrote. */
  get json(): string {
    const { seq, session_id, turn_id, timestamp, type, data } = this.#row;
    // `data` is JSON already; ids and types are made by us from safe characters.
    this.#json ??=
      `{"type":"${type}","seq":${seq},"session_id":"${session_id}",` +
      `"turn_id":${turn_id === null ? "null" : `"${turn_id}"`},"timestamp":${timestamp},"data":${asOneLine(data)}}`;
    return this.#json;
  }

  /** The server-sent event (spec: http-api, Messages). */
  get frame(): string {
    this.#frame ??= `id: ${this.seq}\nevent: ${this.type}\ndata: ${this.json}\n\n`;
    return this.#frame;
  }

  /** `json` as UTF-8. Sockets that wait hold these very bytes: an event costs its size once, however many are slow. */
  get jsonBytes(): Buffer {
    return (this.#jsonBytes ??= Buffer.from(this.json));
  }

  /** `frame` likewise. */
  get frameBytes(): Buffer {
    return (this.#frameBytes ??= Buffer.from(this.frame));
  }

  /** The event as data, checked against the contract. */
  parse(): SessionEvent {
    return SessionEventSchema.parse(JSON.parse(this.json));
  }
}
