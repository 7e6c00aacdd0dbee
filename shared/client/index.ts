/** `karta/client`: the session API's client. Runs in Node 20 and newer, and in browsers. */
export { ConnectionError, turnError, UnreadableAnswerError, type ConnectionFailure } from "./errors.ts";
export { fetchTransport } from "./fetch-transport.ts";
export type { Transport, TransportAnswer, TransportRequest } from "./transport.ts";
export type { RetryOptions } from "./retry.ts";
export type {
  CallerOptions,
  KartaClientOptions,
  KeyedOptions,
  TurnOptions,
  WatchOptions,
} from "./options.ts";
export type { OutgoingMessage } from "./turn.ts";
export { KartaClient, type Continuation, type Health, type SessionFilter } from "./client.ts";
export { KartaError, type ErrorCode, type Issue } from "../errors.ts";
export {
  isTerminal,
  type AssistantMessage,
  type EventData,
  type EventType,
  type Message,
  type Part,
  type Participant,
  type SessionEvent,
  type Usage,
  type UserMessage,
} from "../events.ts";
export type {
  CreateSession,
  InputAnswer,
  Metadata,
  PatchSession,
  PendingInput,
  PermissionMode,
  Session,
  TurnResult,
} from "../protocol/sessions.ts";
export type { MessagePage } from "../protocol/messages.ts";
export type { AddParticipant } from "../protocol/participants.ts";
