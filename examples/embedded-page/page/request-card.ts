/** What the agent asks of the visitor, inline in the reply: may it use this tool, which of these. */
import { create } from "../../support-bot-demo/web/page/elements.ts";
import type { Result } from "./karta.ts";
import type { ActionRequest } from "./wire-events.ts";

export interface RequestCard {
  readonly element: HTMLElement;
  /** The words of the request, to read out. */
  readonly words: string;
  /** It was answered, here or elsewhere. */
  close(): void;
}

/** @param answer sends it; what goes wrong is shown on the card, which can then be used again */
export function requestCard(
  request: ActionRequest,
  answer: (result: Result, chosen?: string) => Promise<void>,
): RequestCard {
  const { isQuestion, tool, target } = request;
  const words = isQuestion ? target : `Beans would like to use ${tool}.`;
  const element = create("div", "request");
  element.role = "group";
  element.ariaLabel = isQuestion ? "A question from Beans" : "Beans asks for your approval";
  element.append(create("p", "request-words", words));
  if (!isQuestion && target !== "") element.append(create("code", "request-target", target));
  const buttons = create("div", "request-buttons");
  const problem = create("p", "request-problem");
  problem.role = "alert";
  problem.hidden = true;
  element.append(buttons, problem);

  const disable = (disabled: boolean): void => {
    for (const button of buttons.querySelectorAll("button")) button.disabled = disabled;
  };
  const send = async (result: Result, chosen?: string): Promise<void> => {
    disable(true);
    problem.hidden = true;
    try {
      await answer(result, chosen);
    } catch (error) {
      disable(false);
      problem.textContent = `That did not go through. ${error instanceof Error ? error.message : ""}`;
      problem.hidden = false;
    }
  };
  for (const [label, result, chosen] of choicesOf(request)) {
    const button = create("button", result === "deny" ? "choice" : "choice yes", label);
    button.type = "button";
    button.addEventListener("click", () => void send(result, chosen));
    buttons.append(button);
  }
  return {
    element,
    words: isQuestion ? words : `${words} ${target}`,
    close: () => {
      element.remove();
    },
  };
}

function choicesOf({
  isQuestion,
  options,
}: ActionRequest): [label: string, result: Result, chosen?: string][] {
  if (isQuestion)
    return [
      ...options.map((option): [string, Result, string] => [option, "approve_once", option]),
      ["Skip", "deny"],
    ];
  return [
    ["Allow", "approve_once"],
    ["Allow in this chat", "approve_session"],
    ["Don't allow", "deny"],
  ];
}
