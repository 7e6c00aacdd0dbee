/**
 * What a turn's agent asks of its people: may it use this tool, which answer to this question. Each is stored as an
 * event before anybody is asked, has a deadline, and is answered once: by a client, by the deadline, or by the turn's end.
 */
import type { EventData } from "../../shared/events.ts";
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
  /** @returns the seq of the `input_resolved` event; null if somebody was quicker */
  readonly settle: (answer: InputAnswer, by: AnsweredBy) => Promise<number | null>;
}

/** Owner: its turn; everything open ends with the turn's cancel signal or its deadline. */
export class Approvals {
  readonly #turn: Turn;
  readonly #open = new Map<string, Open>();
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

  /** Gives an answer. @returns the seq of its event; null when nothing of that id waits */
  async answer(requestId: string, answer: InputAnswer): Promise<number | null> {
    return (await this.#open.get(requestId)?.settle(answer, "client")) ?? null;
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
    try {
      await log.append({
        sessionId,
        turnId: this.#turn.id,
        drafts: [{ type: "input_required", data: input }],
        changes: [{ kind: "turn", id: this.#turn.id, change: { state: "awaiting_input" } }],
      });
    } catch {
      return {
        kind: "deny",
        message: "the approval could not be asked for: Karta's store cannot be written",
      };
    }
    return this.#wait(input, request, options);
  }

  #wait(
    input: PendingInput,
    request: PermissionRequest,
    options: ApprovalOptions,
  ): Promise<PermissionDecision> {
    const stops = [request.signal, this.#turn.cancelSignal];
    return new Promise((resolve) => {
      const settle = async (answer: InputAnswer, by: AnsweredBy): Promise<number | null> => {
        if (!this.#open.delete(input.request_id)) return null;
        clearTimeout(deadline);
        for (const stop of stops) stop.removeEventListener("abort", withdraw);
        const seq = await this.#store(input, answer, by, options);
        resolve(decisionOf(answer, by));
        return seq;
      };
      const withdraw = (): void => void settle({ decision: "deny" }, "cancelled");
      const deadline = setTimeout(() => void settle({ decision: "deny" }, "deadline"), options.timeoutMs);
      for (const stop of stops) stop.addEventListener("abort", withdraw);

      this.#open.set(input.request_id, { input, settle });
      if (this.#turn.state === "running") this.#turn.move("awaiting_input");
      for (const wake of this.#pauseWaiters.splice(0)) wake(input);
      if (stops.some((stop) => stop.aborted)) withdraw();
    });
  }

  async #store(
    input: PendingInput,
    { decision }: InputAnswer,
    by: AnsweredBy,
    { log, sessionId }: ApprovalOptions,
  ): Promise<number> {
    const goesOn = this.#open.size === 0;
    if (goesOn && this.#turn.state === "awaiting_input") this.#turn.move("running");
    const data: EventData<"input_resolved"> = { request_id: input.request_id, decision, by };
    const [stored] = await log
      .append({
        sessionId,
        turnId: this.#turn.id,
        drafts: [{ type: "input_resolved", data }],
        ...(goesOn ? { changes: [{ kind: "turn", id: this.#turn.id, change: { state: "running" } }] } : {}),
      })
      .catch(() => []); // the turn's next event fails likewise, and ends it
    return stored?.seq ?? log.head(sessionId);
  }
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

/** What the agent is told when nobody gave a reason. */
const DENIED: Readonly<Record<AnsweredBy, string>> = {
  client: "The user denied this.",
  deadline: "Nobody answered in time, so this was denied.",
  cancelled: "The turn was cancelled.",
};
