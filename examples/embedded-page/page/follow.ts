/** Follows a turn from a cursor to its end, over streams that close or break, and draws it. */
import { ApiError } from "../../support-bot-demo/web/page/api.ts";
import type { Karta } from "./karta.ts";
import type { ReplyView } from "./reply-view.ts";
import { requestCard, type RequestCard } from "./request-card.ts";
import type { ActionRequest, WireEvent } from "./wire-events.ts";

/** Waits between tries: this, doubling to the other. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const LOST = "The connection was lost. Trying again…";

export interface FollowedTurn {
  readonly karta: Karta;
  /** The session. */
  readonly id: string;
  readonly after: number;
  readonly view: ReplyView;
  /** The page leaves this turn. */
  readonly signal: AbortSignal;
  /** Called with each event's seq. */
  readonly onSeen: (seq: number) => void;
  readonly announce: (words: string) => void;
}

export type FollowedEnd =
  | { readonly kind: "ended"; readonly interrupted: boolean }
  | { readonly kind: "failed"; readonly message: string }
  /** The page left it. */
  | { readonly kind: "left" };

/**
 * A request closes the stream. The next one is opened at once, before there is an answer: it shows when the turn goes on,
 * whoever answers.
 * @throws ApiError for a stream that is refused
 */
export async function follow(turn: FollowedTurn): Promise<FollowedEnd> {
  const { karta, id, view, signal, onSeen } = turn;
  const cards = new Map<string, RequestCard>();
  let cursor = turn.after;
  let wait = FIRST_WAIT_MS;
  try {
    for (;;) {
      let isPaused = false;
      try {
        for await (const event of karta.stream(id, cursor, signal)) {
          cursor = event.seq;
          wait = FIRST_WAIT_MS;
          onSeen(cursor);
          const end = draw(turn, cards, event);
          if (end !== null) return end;
          isPaused = event.type === "request";
        }
      } catch (error) {
        if (signal.aborted) return { kind: "left" };
        if (error instanceof ApiError && error.status < 500) throw error;
      }
      if (isPaused) continue;
      view.working(LOST);
      await pause(wait, signal);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  } finally {
    for (const card of cards.values()) card.close();
  }
}

/** @returns how the turn has ended; null while it goes on */
function draw(turn: FollowedTurn, cards: Map<string, RequestCard>, event: WireEvent): FollowedEnd | null {
  const { view } = turn;
  switch (event.type) {
    case "running":
      cards.get(event.requestId)?.close();
      cards.delete(event.requestId);
      view.working(event.requestId === "" ? "" : "Going on…");
      return null;
    case "message":
      view.working("");
      view.say(event.partId, event.text, event.replaces);
      return null;
    case "thinking":
      view.working("Thinking…");
      return null;
    case "tool":
      view.working(`Using ${event.tool}…`);
      return null;
    case "request": {
      view.working("Waiting for your answer.");
      const card = cardFor(turn, event.request);
      cards.set(event.request.id, card);
      view.insert(card.element);
      turn.announce(card.words);
      return null;
    }
    case "end":
      return { kind: "ended", interrupted: event.interrupted };
    case "error":
      return { kind: "failed", message: event.message };
  }
}

function cardFor({ karta, id }: FollowedTurn, request: ActionRequest): RequestCard {
  return requestCard(request, async (result, chosen) => {
    try {
      await karta.confirm(id, request, result, chosen);
    } catch (error) {
      // Answered elsewhere, or too late: the stream shows how the turn goes on.
      if (!(error instanceof ApiError && error.code === "input_already_resolved")) throw error;
    }
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
