/** What waits for an answer, for people: a tool and its input, or a question and its options. */
import type { InputAnswer, PendingInput } from "../../shared/protocol/sessions.ts";
import { toolLine } from "./tool-line.ts";
import { exactly, oneLine } from "./harmless.ts";
import { questionsIn, type Question } from "./questions.ts";
import { shellQuoted } from "./shell.ts";
import { cut } from "./width.ts";

const PHRASE_COLUMNS = 100;
const SHOWN = { characters: 2000, lines: 30 } as const;

/** The questions to answer, one at least. Of use for `kind: "question"` alone. */
export function questionsOf(input: PendingInput): readonly [Question, ...Question[]] {
  const [first, ...more] = questionsIn(input.tool_input);
  if (first !== undefined) return [first, ...more];
  const options = input.options.map((label) => ({ label, description: "" }));
  return [{ text: input.message, options, several: false }];
}

/** One line: `Write {"file_path":"a.txt"}`, or the question's text. */
export function inputPhrase(input: PendingInput): string {
  const text = input.kind === "question" ? input.message : toolLine(input.tool, input.tool_input);
  return cut(exactLine(text), PHRASE_COLUMNS);
}

const DECIDED: Readonly<Record<InputAnswer["decision"], string>> = {
  approve_once: "approved once",
  approve_session: "approved for this session",
  deny: "denied",
};

/** Why something was decided that nobody was there to decide. */
const UNASKED: ReadonlyMap<string, string> = new Map([
  ["deadline", ", since nobody answered in time"],
  ["cancelled", ", since the turn was cancelled"],
  ["daemon_restarted", ", since kartad ended"],
]);

/** What was decided, and why where nobody did: `denied, since nobody answered in time`. */
export function decisionPhrase(
  kind: PendingInput["kind"],
  { decision, by }: { readonly decision: InputAnswer["decision"]; readonly by: string },
): string {
  const what = kind === "question" && decision !== "deny" ? "answered" : DECIDED[decision];
  if (by === "client") return what;
  return `${what}${UNASKED.get(by) ?? ` by ${oneLine(by)}`}`;
}

/** The tool and each field of its input, bounded. What is left out is said. */
export function toolText({ tool, tool_input: value }: Pick<PendingInput, "tool" | "tool_input">): string {
  return `${exactLine(tool)}\n${bounded(exactly(fieldsOf(value)))}`;
}

/** The question and its options, numbered from 1. */
export function questionText({ text, options }: Question): string {
  const lines = options.map(({ label, description }, index) => {
    const more = description === "" ? "" : `: ${description}`;
    return `  ${index + 1}. ${cut(exactLine(label + more), PHRASE_COLUMNS)}`;
  });
  return [bounded(exactly(text)), ...lines].join("\n");
}

/** The commands that answer it from another terminal. */
export function answerCommands(sessionId: string, input: PendingInput): { approve: string; deny: string } {
  const place = `${shellQuoted(sessionId)} ${shellQuoted(input.request_id)}`;
  const answers =
    input.kind === "question"
      ? questionsOf(input).map(({ text, options }) => {
          const example = options[0]?.label ?? "TEXT";
          return ` --answer ${shellQuoted(oneLine(`${text}=${example}`))}`;
        })
      : [];
  return {
    approve: `karta sessions approve ${place}${answers.join("")}`,
    deny: `karta sessions deny ${place}`,
  };
}

function fieldsOf(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value === undefined || value === null ? "" : `  ${plain(value)}`;
  }
  return Object.entries(value)
    .map(([name, field]) => `  ${exactLine(name)}: ${plain(field)}`)
    .join("\n");
}

function plain(value: unknown): string {
  return typeof value === "string" ? value.replaceAll("\n", "\n    ") : JSON.stringify(value);
}

function bounded(text: string): string {
  const lines = text.slice(0, SHOWN.characters).split("\n").slice(0, SHOWN.lines);
  const kept = lines.join("\n");
  const left = text.length - kept.length;
  return left === 0
    ? kept
    : `${kept}\n  … ${left} more characters; \`karta sessions show ID --json\` has them all`;
}

/** A command is decided on by what is seen of it: nothing in it may be hidden, or shown in another order. */
function exactLine(text: string): string {
  return exactly(text).replaceAll("\n", "↵").replaceAll("\t", " ");
}
