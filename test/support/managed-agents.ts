/**
 * A browser client of the managed-agents wire, written from its page in the contract alone (`spec/managed-agents.md`): it
 * knows a base URL and nothing of this repository. What it reads is checked by schemas of its own, which say what that
 * page says and allow fields that the page does not have.
 */
import { z } from "zod";

const seq = z.int().positive();
const part = { text: z.string(), part_id: z.string(), delta: z.literal(true).optional() };
const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.looseObject({ type: z.literal(type), seq, ...shape });

const EventSchema = z.union([
  event("session.status_running", {}),
  event("agent.message", part),
  event("agent.thinking", part),
  event("agent.tool_use", { tool_use_id: z.string(), tool: z.string(), input: z.unknown() }),
  event("agent.tool_result", { tool_use_id: z.string(), output: z.string(), is_error: z.boolean() }),
  event("session.status_idle", {
    stop_reason: z.literal("end_turn"),
    usage: z.object({ input_tokens: z.int(), output_tokens: z.int(), total_tokens: z.int() }),
  }),
  event("session.status_idle", {
    stop_reason: z.literal("requires_action"),
    request_id: z.string(),
    tool: z.string(),
    target: z.string(),
    options: z.array(z.string()),
  }),
  event("session.error", { message: z.string(), code: z.string() }),
]);
export type Event = z.infer<typeof EventSchema>;
export type RequiresAction = Extract<Event, { stop_reason: "requires_action" }>;

const StatusSchema = z.enum(["idle", "running"]);
const SessionSchema = z.looseObject({ id: z.string(), status: StatusSchema });
const SnapshotSchema = SessionSchema.extend({ events: z.array(EventSchema) });
const ListSchema = z.looseObject({
  data: z.array(
    z.looseObject({
      id: z.string(),
      title: z.string(),
      created_at: z.iso.datetime(),
      last_activity_at: z.iso.datetime(),
    }),
  ),
});
const TranscriptSchema = z.looseObject({
  messages: z.array(z.looseObject({ role: z.string(), parts: z.array(z.looseObject({ type: z.string() })) })),
});
const ErrorSchema = z.looseObject({ error: z.string(), detail: z.string() });

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Where a turn stopped, and all that was said up to there. */
export interface Reading {
  readonly events: readonly Event[];
  readonly last: Event | undefined;
  /** The text of its parts, in the order they came, each as the client shows it. */
  readonly parts: readonly string[];
}

/** True: the turn has ended, or waits for its people. */
export function isStop(event: Event | undefined): boolean {
  return event?.type === "session.status_idle" || event?.type === "session.error";
}

export function read(events: readonly Event[]): Reading {
  const parts = new Map<string, string>();
  for (const one of events) {
    if (one.type !== "agent.message") continue;
    parts.set(one.part_id, (one.delta === true ? (parts.get(one.part_id) ?? "") : "") + one.text);
  }
  return { events, last: events.at(-1), parts: [...parts.values()] };
}

export class ManagedAgentsClient {
  readonly base: string;

  /** @param base everything before `/managed-agents` */
  constructor(base: string) {
    this.base = `${base}/managed-agents/sessions`;
  }

  /** Any call, whatever it is answered. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(this.base + path, {
      method,
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }

  async create(body: object = {}): Promise<string> {
    const { status, body: answer } = await this.call("POST", "", body);
    const session = SessionSchema.parse(answer);
    if (status !== 201 || session.status !== "idle") throw new Error(`create answered ${status}`);
    return session.id;
  }

  async list(endUser: string) {
    return ListSchema.parse(await this.#ok(`?end_user=${encodeURIComponent(endUser)}`)).data;
  }

  async get(id: string) {
    return SnapshotSchema.parse(await this.#ok(`/${id}`));
  }

  async transcript(id: string, endUser?: string) {
    const query = endUser === undefined ? "" : `?end_user=${encodeURIComponent(endUser)}`;
    return TranscriptSchema.parse(await this.#ok(`/${id}/transcript${query}`)).messages;
  }

  async upload(id: string, name: string, content: string | Uint8Array): Promise<string> {
    const content_base64 = Buffer.from(content).toString("base64");
    const { status, body } = await this.call("POST", `/${id}/files`, { name, content_base64 });
    if (status !== 200) throw new Error(`files answered ${status}: ${JSON.stringify(body)}`);
    return z.object({ path: z.string() }).parse(body).path;
  }

  /** @throws Error unless it is accepted */
  async post(id: string, event: object): Promise<void> {
    const { status, body } = await this.call("POST", `/${id}/events`, event);
    if (status !== 202) throw new Error(`events answered ${status}: ${JSON.stringify(body)}`);
    z.object({ accepted: z.literal(true) }).parse(body);
  }

  say(id: string, text: string): Promise<void> {
    return this.post(id, { type: "user.message", text });
  }

  confirm(id: string, { request_id }: RequiresAction, result: string): Promise<void> {
    return this.post(id, { type: "user.tool_confirmation", request_id, result });
  }

  /** The stream's events as they come; it ends where the stream ends. @throws Error when it is refused or broken */
  async *stream(id: string, after: number, signal?: AbortSignal): AsyncGenerator<Event> {
    const response = await fetch(`${this.base}/${id}/events/stream?after=${after}`, signal ? { signal } : {});
    if (response.status !== 200 || response.body === null) {
      const { error } = ErrorSchema.parse(await response.json());
      throw new Error(`the stream answered ${response.status} ${error}`);
    }
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const frames = (rest + chunk).split("\n\n");
      rest = frames.pop() ?? "";
      for (const frame of frames) {
        const data = frame.split("\n").find((line) => line.startsWith("data: "));
        if (data !== undefined) yield EventSchema.parse(JSON.parse(data.slice("data: ".length)));
      }
    }
  }

  /** One stream to its end. */
  async follow(id: string, after: number): Promise<Reading> {
    return read(await Array.fromAsync(this.stream(id, after)));
  }

  /** Says something, and reads to where the turn stops. */
  async ask(id: string, text: string, after: number): Promise<Reading> {
    await this.say(id, text);
    return this.follow(id, after);
  }

  async #ok(path: string): Promise<unknown> {
    const { status, body } = await this.call("GET", path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }
}

/** @throws Error when the turn stopped for another reason */
export function requireAction({ last, events }: Reading): RequiresAction {
  if (last?.type === "session.status_idle" && last.stop_reason === "requires_action") return last;
  throw new Error(`the turn did not stop for a request: ${JSON.stringify(events)}`);
}
