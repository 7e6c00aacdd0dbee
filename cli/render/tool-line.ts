/** A tool and its input in one phrase: `Read {"file_path":"a.txt"}`; of one that asks something, the questions. */
import { questionsIn } from "./questions.ts";

export function toolLine(tool: string, input: unknown): string {
  const questions = questionsIn(input).map(({ text }) => text);
  if (questions.length > 0) return `${tool}: ${questions.join(" ")}`;
  const text = compact(input);
  return text === "{}" || text === "" ? tool : `${tool} ${text}`;
}

/** JSON, or nothing for nothing. */
export function compact(value: unknown): string {
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
