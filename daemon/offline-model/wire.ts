/** What an API's writer must know to do; the order of calls is `send.ts`'s. */
import type { Block } from "./answer.ts";
import type { ModelRequest } from "./conversation.ts";

/** The frames of one streamed answer, as text of `text/event-stream`. */
export interface StreamWire {
  start(): string;
  open(block: Block, index: number): string;
  piece(block: Block, index: number, text: string): string;
  close(block: Block, index: number): string;
  finish(outputTokens: number): string;
}

export interface Wire<Request extends ModelRequest> {
  stream(request: Request, blocks: readonly Block[]): StreamWire;
  /** The body of an answer that is not streamed. */
  whole(request: Request, blocks: readonly Block[], outputTokens: number): object;
  error(type: string, message: string): object;
}
