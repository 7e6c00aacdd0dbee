/** Asks before something is taken away. */
import { createInterface } from "node:readline/promises";
import { badUsage } from "./client/errors.ts";
import { canAsk } from "./environment.ts";

/**
 * True when the person says yes. The question goes to stderr: stdout is for data.
 * @throws CliError `bad_usage` where nobody can be asked
 */
export async function confirm(question: string): Promise<boolean> {
  if (!canAsk()) throw badUsage("nobody can be asked here (no terminal); say --yes");
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => asking.once("close", () => resolve("")));
  try {
    // Ctrl-C and Ctrl-D close the interface, which leaves the question open for ever: they mean no.
    const answer = await Promise.race([asking.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
