/** Runs one turn: gets a process, sends the text, stores what comes back. */
import { isTurnErrorCode, KartaError } from "../../shared/errors.ts";
import {
  NO_USAGE,
  type AgentProcess,
  type PermissionDecision,
  type PermissionRequest,
  type TurnEnd,
} from "../harness/harness.ts";
import { withLogContext } from "../log/context.ts";
import type { Lease } from "../pool/lease.ts";
import { callTool } from "./app.ts";
import type { LiveSession } from "./live-session.ts";
import type { SessionRuntime } from "./runtime.ts";
import { framed } from "./attribution.ts";
import { handOff } from "./session-settings.ts";
import type { Turn } from "./turn.ts";
import { TurnClock } from "./turn-clock.ts";

/** How long an agent that was asked to end its turn may take, before its process is ended. */
const CANCEL_GRACE_MS = 10_000;

export const CANCELLED: TurnEnd = { kind: "cancelled", usage: NO_USAGE };

/** An error that ended a turn, as the turn's end. */
export function failedByError(error: unknown, turn: Turn): TurnEnd {
  if (turn.isCancelRequested()) return CANCELLED;
  const code = error instanceof KartaError && isTurnErrorCode(error.code) ? error.code : "internal";
  return {
    kind: "failed",
    code,
    message:
      error instanceof KartaError ? error.message : "Karta failed while it ran this turn; its log says more",
    retryable: code !== "internal",
    usage: NO_USAGE,
  };
}

/** Never rejects: whatever goes wrong is the turn's end. */
export async function runTurn(runtime: SessionRuntime, session: LiveSession, turn: Turn): Promise<TurnEnd> {
  let lease: Lease | null = null;
  let completed = false;
  try {
    if (turn.isCancelRequested()) return CANCELLED;
    turn.agent = turn.input.agent ?? session.record.current_agent;
    await handOff(runtime, session, { to: turn.agent, turnId: turn.id });
    lease = await checkOut(runtime, session, turn.agent, turn.cancelSignal);
    await storeThread(runtime, session, lease.agent.threadId);
    turn.move("running");
    turn.startedAt = runtime.now();
    await runtime.turns.update(turn.id, {
      state: "running",
      started_at: turn.startedAt,
      agent: turn.agent,
    });
    if (turn.isCancelRequested()) return CANCELLED; // before its first word: there is nothing to pay for
    const end = await converse(runtime, session, turn, lease.agent);
    completed = end.kind === "completed";
    return end;
  } catch (error) {
    runtime.logger.warn({ err: error }, "the turn failed");
    return failedByError(error, turn);
  } finally {
    lease?.release(completed);
  }
}

/** Sends the text and stores what comes back, until the agent ends, or a cancel, the time limit or the store ends it. */
async function converse(
  runtime: SessionRuntime,
  session: LiveSession,
  turn: Turn,
  agent: AgentProcess,
): Promise<TurnEnd> {
  const cut: { storageError: unknown; timedOut: boolean } = { storageError: null, timedOut: false };
  let stored: Promise<unknown> = Promise.resolve();
  let deadline: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    if (deadline !== undefined) return;
    void agent.cancel();
    // One that does not listen must not hold its session for ever.
    deadline = setTimeout(() => void agent.stop(), runtime.cancelGraceMs ?? CANCEL_GRACE_MS);
  };
  const clock = new TurnClock(session.project.turnTimeoutMs, () => {
    cut.timedOut = true;
    interrupt();
  });
  turn.cancelSignal.addEventListener("abort", interrupt);
  try {
    const end = await agent.run({
      messageId: turn.userMessage.id,
      text: framed(turn.input),
      images: turn.input.images,
      emit: (event) => {
        if (cut.storageError !== null) return; // after a gap nothing more is said
        const drafts = turn.assembly.add(event);
        if (drafts.length === 0) return;
        stored = runtime.log
          .append({ sessionId: session.record.id, turnId: turn.id, drafts })
          .catch((error: unknown) => {
            cut.storageError ??= error;
            interrupt(); // what can't be stored must not be paid for
          });
      },
      // An agent's calls come in by a stream that is older than the turn.
      decide: (request) =>
        withLogContext(turn.logContext, () => clock.standStillFor(decide(runtime, session, turn, request))),
      callTool: (call) => withLogContext(turn.logContext, () => callTool(session, turn, call)),
    });
    await stored; // the log keeps the order: with the last one all are stored, or it is known which was not
    if (cut.storageError !== null) return failedByError(cut.storageError, turn);
    if (end.kind === "completed") return end;
    if (turn.isCancelRequested()) return { kind: "cancelled", usage: end.usage };
    return cut.timedOut ? timeoutEnd(session, end) : end;
  } finally {
    clock.stop();
    clearTimeout(deadline);
    turn.cancelSignal.removeEventListener("abort", interrupt);
  }
}

function timeoutEnd(session: LiveSession, end: TurnEnd): TurnEnd {
  return {
    kind: "failed",
    code: "harness_timeout",
    message: `the turn ran past turn_timeout_seconds (${session.project.turnTimeoutMs / 1000} s) and was ended`,
    retryable: true,
    usage: end.usage,
  };
}

/** Borrows the session's process. Whoever gets the lease releases it. @throws KartaError as `Pool.checkout` */
export async function checkOut(
  runtime: SessionRuntime,
  { record, project }: LiveSession,
  agent: string,
  signal: AbortSignal,
): Promise<Lease> {
  return runtime.pool.checkout({
    sessionId: record.id,
    harness: project.harness,
    launch: await project.launch(record.id, agent),
    prepare: () => project.prepareWorkspace(record.id),
    thread: record.thread_id === null ? { kind: "new" } : { kind: "resume", threadId: record.thread_id },
    idleTimeoutMs: project.idleTimeoutMs,
    spares: project.spares,
    maxOfProject: project.maxProcesses,
    signal,
  });
}

/**
 * Before the first word is sent: after a crash the next message finds the same conversation. Not sooner: many agents
 * keep nothing of a conversation without a word in it, and could not take it up again.
 */
async function storeThread(
  runtime: SessionRuntime,
  { record }: LiveSession,
  threadId: string,
): Promise<void> {
  if (record.thread_id === threadId) return;
  await runtime.sessions.update(record.id, { thread_id: threadId });
  record.thread_id = threadId;
}

/** `autonomous`: tools are allowed, and questions are the agent's own to decide. `interactive`: people are asked. */
function decide(
  runtime: SessionRuntime,
  session: LiveSession,
  turn: Turn,
  request: PermissionRequest,
): Promise<PermissionDecision> {
  switch (session.record.permission_mode) {
    case "autonomous":
      return Promise.resolve(
        request.kind === "tool_use"
          ? { kind: "allow", scope: "once", answers: null }
          : { kind: "deny", message: "Nobody is there to answer; choose what seems best and say so." },
      );
    case "interactive":
      return turn.approvals.ask(request, {
        log: runtime.log,
        sessionId: session.record.id,
        timeoutMs: session.project.approvalTimeoutMs,
        now: runtime.now,
      });
  }
}
