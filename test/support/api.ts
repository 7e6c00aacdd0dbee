/** The public API as a test's client sees it: plain fetch, frames as they arrive. */
import { z } from "zod";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { SessionEventSchema, type SessionEvent } from "../../shared/events.ts";
import {
  EventPageSchema,
  SessionSchema,
  TurnResultSchema,
  type Session,
  type TurnResult,
} from "../../shared/protocol/sessions.ts";

/** An event and when its frame reached the client (performance.now()). */
export interface Received {
  readonly event: SessionEvent;
  readonly at: number;
}

export async function request(
  url: string,
  method: string,
  route: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(url + route, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed: unknown = text === "" ? {} : JSON.parse(text);
  return {
    status: response.status,
    headers: response.headers,
    body: z.record(z.string(), z.unknown()).parse(parsed),
  };
}

export async function createSession(url: string, body: object = {}): Promise<Session> {
  const response = await request(url, "POST", "/v1/sessions", body);
  if (response.status !== 201)
    throw new Error(`create answered ${response.status}: ${JSON.stringify(response.body)}`);
  return SessionSchema.parse(response.body);
}

/** Sends a message and waits for its whole answer. */
export async function send(
  url: string,
  sessionId: string,
  text: string,
  more: object = {},
): Promise<TurnResult> {
  const response = await request(url, "POST", `/v1/sessions/${sessionId}/messages`, { text, ...more });
  if (response.status !== 200)
    throw new Error(`send answered ${response.status}: ${JSON.stringify(response.body)}`);
  return TurnResultSchema.parse(response.body);
}

/** A session's stored events, from its first. */
export async function storedEvents(url: string, sessionId: string): Promise<SessionEvent[]> {
  const response = await request(url, "GET", `/v1/sessions/${sessionId}/events?follow=false&limit=1000`);
  return EventPageSchema.parse(response.body).data;
}

/** Events of a stream, as they arrive. Ends with the stream. */
export async function* frames(response: Response): AsyncGenerator<Received> {
  if (response.body === null) throw new Error("no body");
  const stream = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const message of stream) {
    const event = SessionEventSchema.parse(JSON.parse(message.data));
    if (message.id !== String(event.seq) || message.event !== event.type) {
      throw new Error(`a frame's id and event do not match its data: ${JSON.stringify(message)}`);
    }
    yield { event, at: performance.now() };
  }
}

/** Opens a streamed turn. */
export function openTurn(url: string, sessionId: string, text: string, more: object = {}): Promise<Response> {
  return fetch(`${url}/v1/sessions/${sessionId}/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text, stream: true, ...more }),
  });
}

/** Runs a streamed turn to its end. */
export async function stream(
  url: string,
  sessionId: string,
  text: string,
  more: object = {},
): Promise<Received[]> {
  return Array.fromAsync(frames(await openTurn(url, sessionId, text, more)));
}

/** The joined text of a turn's events. */
export function textOf(received: readonly Received[]): string {
  return received.map(({ event }) => (event.type === "text" ? event.data.part.text : "")).join("");
}
