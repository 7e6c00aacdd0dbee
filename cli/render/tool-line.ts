/** A tool and its input in one phrase: `Read {"file_path":"a.txt"}`. */
export function toolLine(tool: string, input: unknown): string {
  const text = compact(input);
  return text === "{}" || text === "" ? tool : `${tool} ${text}`;
}

/** JSON, or nothing for nothing. */
export function compact(value: unknown): string {
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
