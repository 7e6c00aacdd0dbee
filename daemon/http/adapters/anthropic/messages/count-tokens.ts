/** An estimate of what a request's words and pictures cost, without asking a model. */
import type { ToldMessages } from "../../told.ts";

/** The usual rule of thumb for English. */
const CHARACTERS_A_TOKEN = 4;
/** Anthropic's own most for a picture; smaller ones cost less. */
const TOKENS_AN_IMAGE = 1600;
/** Around each message. */
const TOKENS_A_MESSAGE = 4;

/** What the harness adds (its instructions, its tools) is not in it: a turn's usage tells that. */
export function countTokens({ instructions, earlier, message }: ToldMessages): number {
  const said = [...earlier, message];
  const characters = (instructions ?? "").length + said.reduce((sum, { text }) => sum + text.length, 0);
  const images = said.reduce((sum, one) => sum + one.images.length, 0);
  return (
    Math.ceil(characters / CHARACTERS_A_TOKEN) + images * TOKENS_AN_IMAGE + said.length * TOKENS_A_MESSAGE
  );
}
