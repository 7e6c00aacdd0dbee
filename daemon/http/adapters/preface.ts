/** What a request of another API says beside its last message, in words for the agent. Nobody can forge its parts. */

export interface EarlierMessage {
  /** Who said it, as that API names roles: `user`, `assistant`, `tool`. */
  readonly role: string;
  readonly text: string;
}

export interface Preface {
  /** The application's own; null: none, or none that the agent does not know already. */
  readonly instructions: string | null;
  /** A conversation that took place without this agent, oldest first. */
  readonly earlier: readonly EarlierMessage[];
}

const OURS = /<(\\*)(\/?)(?=karta-(?:instructions|said))/gi;
const safe = (text: string): string => text.replace(OURS, "<\\$1$2");

/** Null: there is nothing to say. The session breaks its own tags in it (`sessions/attribution.ts`). */
export function prefaceOf({ instructions, earlier }: Preface): string | null {
  const parts: string[] = [];
  if (instructions !== null && instructions !== "") {
    parts.push(
      "Instructions of the application that this conversation is held in. They hold from now on:",
      `<karta-instructions>\n${safe(instructions)}\n</karta-instructions>`,
    );
  }
  if (earlier.length > 0) {
    parts.push(
      "What was said in this conversation before. Go on from there:",
      earlier.map(said).join("\n"),
      "The message that follows is the next one.",
    );
  }
  return parts.length === 0 ? null : parts.join("\n\n");
}

function said({ role, text }: EarlierMessage): string {
  return `<karta-said by="${role.replace(/[^a-z_-]/gi, "")}">\n${safe(text)}\n</karta-said>`;
}
