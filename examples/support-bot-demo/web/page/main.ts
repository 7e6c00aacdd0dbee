/** The chat page: puts its parts together. */
import { fetchInfo } from "./api.ts";
import { ChatLog } from "./chat-log.ts";
import { Composer } from "./composer.ts";
import { Conversation } from "./conversation.ts";
import { byId } from "./elements.ts";
import { ScrollFollower } from "./scroll-follower.ts";
import { Transcript } from "./transcript.ts";

const region = byId("transcript", HTMLElement);
const greeting = byId("greeting", HTMLElement);
const spoken = byId("spoken", HTMLElement);
const notice = byId("notice", HTMLElement);
const newChat = byId("new-chat", HTMLButtonElement);
/** A touch screen's keyboard would cover the page, so there the message box takes no focus by itself. */
const hasKeyboard = matchMedia("(pointer: fine)").matches;

const log = ChatLog.restore();
const follower = new ScrollFollower(region, byId("jump", HTMLButtonElement));
const transcript = new Transcript(byId("messages", HTMLElement), () => follower.contentChanged());
const composer = new Composer((text) => say(text));
const conversation = new Conversation({
  log,
  transcript,
  announce: (words) => (spoken.textContent = words),
  onBusy: (busy) => {
    composer.busy = busy;
    // A retry button vanishes under the focus that clicked it.
    if (busy && hasKeyboard) composer.focus();
  },
});

function say(text: string): void {
  conversation.send(text);
  showGreeting();
  follower.follow();
}

function showGreeting(): void {
  const empty = log.entries.length === 0;
  greeting.hidden = !empty;
  newChat.hidden = empty;
}

for (const suggestion of greeting.querySelectorAll("button")) {
  suggestion.addEventListener("click", () => say(suggestion.textContent));
}

newChat.addEventListener("click", () => {
  conversation.startOver();
  showGreeting();
  spoken.textContent = "New chat";
  composer.focus();
});

async function showInfo(): Promise<void> {
  try {
    const { title, offline } = await fetchInfo();
    if (title !== "") document.title = title;
    notice.textContent = "Offline model: scripted replies";
    notice.hidden = !offline;
  } catch {
    notice.textContent = "Beans can't be reached right now. You can write anyway and try again.";
    notice.hidden = false;
  }
}

showGreeting();
follower.follow();
if (hasKeyboard) composer.focus();
void showInfo();
