/**
 * Which of an agent's modes a session may be given to. A mode is an agent of its own in some (OpenCode), and in others how
 * much it does without asking: whoever may send messages must not choose that.
 */

/** What an agent's modes are. */
export type ModeMeaning =
  | "agents"
  | "permissions"
  /** An agent that Karta does not know: by their names. */
  | "unknown";

/** As modes are called that ask less. */
const ASKS_LESS = /yolo|bypass|full.?access|danger|unrestricted|auto|accept|don.?t.?ask|never.?ask/i;

export function offeredAgents(meaning: ModeMeaning, modes: readonly string[]): readonly string[] {
  switch (meaning) {
    case "agents":
      return modes;
    case "permissions":
      return [];
    case "unknown":
      return modes.filter((mode) => !ASKS_LESS.test(mode));
  }
}
