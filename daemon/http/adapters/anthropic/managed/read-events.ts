/** What a client sends to a managed session, read and checked whole before any of it is done. */
import { z } from "zod";
import type { UserEventParam } from "../../../../../shared/protocol/adapters/anthropic/event-params.ts";
import type { InputAnswer } from "../../../../../shared/protocol/sessions.ts";
import type { TurnImage } from "../../../../sessions/accept-message.ts";
import { refuse, requireLength, spokenOf, textOf } from "../content.ts";
import { prefaceOf } from "../../preface.ts";
import type { Awaited } from "./projection.ts";
import { SEND_EVENTS } from "./parameters.ts";

/** One thing to do. */
export type Deed =
  | {
      readonly kind: "message";
      readonly text: string;
      readonly images: readonly TurnImage[];
      /** What the application says beside it; null: nothing. */
      readonly system: string | null;
      readonly preface: string | null;
    }
  | { readonly kind: "interrupt" }
  | {
      readonly kind: "answer";
      readonly eventId: string;
      readonly awaited: Awaited;
      readonly answer: InputAnswer;
    };

/**
 * @param awaitedAt what waits under an event's id; null: nothing
 * @throws KartaError `invalid_request` that names the event and its field
 */
export function readEvents(
  events: readonly UserEventParam[],
  awaitedAt: (eventId: string) => Awaited | null,
  field = "events",
): Deed[] {
  const deeds: Deed[] = [];
  events.forEach((event, place) => {
    const path = `${field}.${place}`;
    switch (event.type) {
      case "user.message": {
        const { text, images } = spokenOf(event.content, `${path}.content`);
        if (text === "" && images.length === 0) refuse(`${path}.content`, "expected it to say something");
        requireLength(text, `${path}.content`);
        deeds.push({ kind: "message", text, images, system: null, preface: null });
        break;
      }
      case "system.message": {
        const before = deeds.at(-1);
        if (before?.kind !== "message" || before.system !== null)
          refuse(path, "expected it right after the user.message that it goes with, and once");
        const system = textOf(event.content, `${path}.content`);
        deeds[deeds.length - 1] = {
          ...before,
          system,
          preface: prefaceOf({ instructions: system, earlier: [] }),
        };
        break;
      }
      case "user.interrupt":
        deeds.push({ kind: "interrupt" });
        break;
      case "user.tool_confirmation": {
        const { tool_use_id: eventId, result, deny_message } = event;
        const awaited = requireAwaited(awaitedAt(eventId), "tool_use", `${path}.tool_use_id`);
        const message = deny_message ?? undefined;
        if (result === "allow" && message !== undefined)
          refuse(`${path}.deny_message`, "expected it with result: deny alone");
        deeds.push({
          kind: "answer",
          eventId,
          awaited,
          answer:
            result === "allow"
              ? { decision: "approve_once" }
              : { decision: "deny", ...(message === undefined ? {} : { message }) },
        });
        break;
      }
      case "user.custom_tool_result": {
        const { custom_tool_use_id: eventId, content = [], is_error } = event;
        const awaited = requireAwaited(awaitedAt(eventId), "question", `${path}.custom_tool_use_id`);
        const text = textOf(content, `${path}.content`);
        if (text === "") refuse(`${path}.content`, "expected the answer as text");
        const answer: InputAnswer =
          is_error === true
            ? { decision: "deny", message: text }
            : { decision: "approve_once", answers: answersOf(awaited.input, text) };
        deeds.push({ kind: "answer", eventId, awaited, answer });
        break;
      }
      case "user.define_outcome":
      case "user.tool_result":
        refuse(`${path}.type`, `${event.type} is not supported here: ${SEND_EVENTS[event.type]?.note ?? ""}`);
    }
  });
  return deeds;
}

function requireAwaited(awaited: Awaited | null, kind: Awaited["kind"], path: string): Awaited {
  if (awaited?.kind === kind) return awaited;
  if (awaited === null)
    refuse(
      path,
      "nothing of this id waits for an answer: expected one of the last session.status_idle's event_ids",
    );
  return awaited.kind === "question"
    ? refuse(path, "this is a question: answer it with a user.custom_tool_result")
    : refuse(path, "this is a tool of the agent's own: allow or deny it with a user.tool_confirmation");
}

const QuestionsSchema = z.object({ questions: z.array(z.object({ question: z.string() })).min(1) });
const AnswersSchema = z.record(z.string().max(2000), z.string().max(10_000));

/** A JSON object says which answer is whose; any other text answers all that was asked. */
function answersOf(input: unknown, text: string): Record<string, string> {
  const named = AnswersSchema.safeParse(parsed(text));
  if (named.success) return named.data;
  const asked = QuestionsSchema.safeParse(input);
  const questions = asked.success ? asked.data.questions.map(({ question }) => question) : ["answer"];
  return Object.fromEntries(questions.map((question) => [question, text]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
