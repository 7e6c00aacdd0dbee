/**
 * What a turn's agent asks of its people: may it use this tool, which answer to this question. Each is stored as an
 * event before anybody is asked, has a deadline, and is answered once: by a client, by the deadline, or by the turn's end.
 */
import type { EventDraft } from "../../shared/events.ts";
import { newId } from "../../shared/ids.ts";
import type { InputAnswer, PendingInput } from "../../shared/protocol/sessions.ts";
import type { PermissionDecision, PermissionRequest } from "../harness/harness.ts";
import type { EventLog } from "../events/log.ts";
import type { Turn } from "./turn.ts";

export interface ApprovalOptions {
  readonly log: EventLog;
  readonly sessionId: string;
  /** How long people have. Milliseconds. */
  readonly timeoutMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Who gave the answer. */
export type AnsweredBy = "client" | "deadline" | "cancelled";

interface Open {
  readonly input: PendingInput;
  /** @returns the seq of the `input_resolved` event; null if somebody was quicker. @throws for a client's, as `answer` */
  readonly settle: (answer: InputAnswer, by: AnsweredBy) => Promise<number | null>;
}

/** Owner: its turn; everything open ends with the turn's cancel signal, its deadline, or the turn. */
export class Approvals {
  readonly #turn: Turn;
  readonly #open = new Map<string, Open>();
  /** How those ended whose answer the store did not take: stored with the turn's end. */
  readonly unstored: EventDraft[] = [];
  /** Answers that are being stored. */
  readonly #settling = new Set<Promise<unknown>>();
  /** Requests that are being stored. */
  readonly #asking = new Set<Promise<unknown>>();
  /** The turn has ended. */
  #isClosed = false;
  #pauseWaiters: ((input: PendingInput) => void)[] = [];

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** The oldest request that waits for an answer. */
  get pending(): PendingInput | null {
    return this.#open.values().next().value?.input ?? null;
  }

  /** Resolves as soon as something waits for an answer; at once if something does. */
  nextPause(): Promise<PendingInput> {
    const { pending } = this;
    if (pending !== null) return Promise.resolve(pending);
    return new Promise((resolve) => this.#pauseWaiters.push(resolve));
  }

  /**
   * Gives an answer.
   * @returns the seq of its event; null when nothing of that id waits
   * @throws KartaError `storage_unavailable`; then it still waits
   */
  async answer(requestId: string, answer: InputAnswer): Promise<number | null> {
    return (await this.#open.get(requestId)?.settle(answer, "client")) ?? null;
  }

  /**
   * The turn has ended, whatever its agent still waits for (one that was killed takes nothing back): what is open is
   * denied, and nothing is asked any more. Resolves when every answer is stored, or is among `unstored`.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#asking);
    // A client's answer that the store does not take opens its request once more.
    do {
      for (const { settle } of [...this.#open.values()]) void settle({ decision: "deny" }, "cancelled");
      await Promise.allSettled(this.#settling);
    } while (this.#open.size > 0);
  }

  /** Asks, and waits for the answer. Never rejects: what can't be stored is refused. */
  async ask(request: PermissionRequest, options: ApprovalOptions): Promise<PermissionDecision> {
    const { log, sessionId, timeoutMs, now } = options;
    const input: PendingInput = {
      request_id: newId("req"),
      tool_use_id: request.toolUseId,
      kind: request.kind,
      tool: request.tool,
      tool_input: request.input,
      message: request.message,
      options: [...request.options],
      expires_at: new Date(now() + timeoutMs).toISOString(),
    };
    if (this.#isClosed) return { kind: "deny", message: DENIED.cancelled };
    const stored = log.append({
      sessionId,
      turnId: this.#turn.id,
      drafts: [{ type: "input_required", data: input }],
      changes: [{ kind: "turn", id: this.#turn.id, change: { state: "awaiting_input" } }],
    });
    const decided = stored.then(
      () => this.#wait(input, request, options),
      () => NOT_ASKED,
    );
    const asking = Promise.allSettled([stored]);
    this.#asking.add(asking);
    void asking.then(() => this.#asking.delete(asking));
    return decided;
  }

  #wait(
    input: PendingInput,
    request: PermissionRequest,
    options: ApprovalOptions,
  ): Promise<PermissionDecision> {
    const stops = [request.signal, this.#turn.cancelSignal];
    return new Promise((resolve) => {
      /** What came while a client's answer was being stored. */
      let late: AnsweredBy | null = null;
      const settle: Open["settle"] = (answer, by) => {
        const settling = attempt(answer, by);
        const isOver = (): boolean => this.#settling.delete(settling);
        this.#settling.add(settling);
        settling.then(isOver, isOver);
        return settling;
      };
      const attempt: Open["settle"] = async (answer, by) => {
        if (!this.#open.delete(input.request_id)) {
          late ??= by;
          return null;
        }
        let seq: number;
        try {
          seq = await this.#store(input, answer, by, options);
        } catch (error) {
          if (by === "client") {
            // The agent must not act on a yes that nobody can look up: its client is told, and may answer again.
            this.#reopen(input, settle);
            if (late === "deadline" || late === "cancelled") void settle({ decision: "deny" }, late);
            throw error;
          }
          this.unstored.push(resolved(input, answer, by));
          seq = options.log.head(options.sessionId);
        }
        clearTimeout(deadline);
        for (const stop of stops) stop.removeEventListener("abort", withdraw);
        resolve(decisionOf(answer, by));
        return seq;
      };
      const withdraw = (): void => void settle({ decision: "deny" }, "cancelled");
      const deadline = setTimeout(() => void settle({ decision: "deny" }, "deadline"), options.timeoutMs);
      for (const stop of stops) stop.addEventListener("abort", withdraw);

      this.#reopen(input, settle);
      for (const wake of this.#pauseWaiters.splice(0)) wake(input);
      if (stops.some((stop) => stop.aborted)) withdraw();
    });
  }

  #reopen(input: PendingInput, settle: Open["settle"]): void {
    this.#open.set(input.request_id, { input, settle });
    if (this.#turn.state === "running") this.#turn.move("awaiting_input");
  }

  async #store(
    input: PendingInput,
    answer: InputAnswer,
    by: AnsweredBy,
    { log, sessionId }: ApprovalOptions,
  ): Promise<number> {
    const goesOn = this.#open.size === 0;
    if (goesOn && this.#turn.state === "awaiting_input") this.#turn.move("running");
    const [stored] = await log.append({
      sessionId,
      turnId: this.#turn.id,
      drafts: [resolved(input, answer, by)],
      ...(goesOn ? { changes: [{ kind: "turn", id: this.#turn.id, change: { state: "running" } }] } : {}),
    });
    return stored?.seq ?? log.head(sessionId);
  }
}

function resolved({ request_id }: PendingInput, { decision }: InputAnswer, by: AnsweredBy): EventDraft {
  return { type: "input_resolved", data: { request_id, decision, by } };
}

function decisionOf({ decision, message, answers }: InputAnswer, by: AnsweredBy): PermissionDecision {
  switch (decision) {
    case "approve_once":
      return { kind: "allow", scope: "once", answers: answers ?? null };
    case "approve_session":
      return { kind: "allow", scope: "session", answers: answers ?? null };
    case "deny":
      return { kind: "deny", message: message ?? DENIED[by] };
  }
}

const NOT_ASKED: PermissionDecision = {
  kind: "deny",
  message: "the approval could not be asked for: Karta's store cannot be written",
};

/** What the agent is told when nobody gave a reason. */
const DENIED: Readonly<Record<AnsweredBy, string>> = {
  client: "The user denied this.",
  deadline: "Nobody answered in time, so this was denied.",
  cancelled: "The turn was cancelled.",
};
