/** The chat page: puts its parts together. */
import { Composer } from "../../support-bot-demo/web/page/composer.ts";
import { byId } from "../../support-bot-demo/web/page/elements.ts";
import { ScrollFollower } from "../../support-bot-demo/web/page/scroll-follower.ts";
import { Attachments } from "./attachments.ts";
import { Conversation } from "./conversation.ts";
import { EarlierChats } from "./earlier-chats.ts";
import { fetchConfig, Karta } from "./karta.ts";
import { Remembered } from "./remembered.ts";

const messages = byId("messages", HTMLElement);
const greeting = byId("greeting", HTMLElement);
const spoken = byId("spoken", HTMLElement);
const notice = byId("notice", HTMLElement);
const newChat = byId("new-chat", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);
const send = byId("send", HTMLButtonElement);
/** A touch screen's keyboard would cover the page, so there the message box takes no focus by itself. */
const hasKeyboard = matchMedia("(pointer: fine)").matches;

const config = await fetchConfig();
const remembered = new Remembered(config.project);
const karta = new Karta(config, remembered.endUser);
const follower = new ScrollFollower(byId("transcript", HTMLElement), byId("jump", HTMLButtonElement));

const composer = new Composer((text) => say(attachments.addedTo(text)));
const conversation = new Conversation({
  karta,
  remembered,
  messages,
  onChange: () => follower.contentChanged(),
  announce: (words) => (spoken.textContent = words),
  onBusy: (busy) => {
    composer.busy = busy;
    send.hidden = busy;
    stop.hidden = !busy;
    // The button that was clicked vanishes under the focus.
    if (hasKeyboard && (document.activeElement === null || document.activeElement === document.body))
      composer.focus();
  },
});
const attachments = new Attachments(
  async (file) => karta.upload(await conversation.session(), file),
  (words) => tell(words ?? offlineNotice),
);
const earlier = new EarlierChats(
  () => karta.chats(),
  (id) => {
    conversation.leave();
    attachments.clear();
    remembered.open(id);
    void reopen();
  },
);

let offlineNotice = "";

function tell(words: string): void {
  notice.textContent = words;
  notice.hidden = words === "";
}

function say(text: string): void {
  conversation.send(text);
  showGreeting(false);
  follower.follow();
}

function showGreeting(shown: boolean): void {
  greeting.hidden = !shown;
  newChat.hidden = shown;
}

async function reopen(): Promise<void> {
  showGreeting(remembered.sessionId === null);
  await conversation.reopen();
  if (messages.childElementCount === 0) showGreeting(true);
  follower.follow();
}

for (const suggestion of greeting.querySelectorAll("button")) {
  suggestion.addEventListener("click", () => say(suggestion.textContent));
}
stop.addEventListener("click", () => {
  void conversation.stop();
  composer.focus();
});
newChat.addEventListener("click", () => {
  conversation.leave();
  attachments.clear();
  showGreeting(true);
  spoken.textContent = "New chat";
  composer.focus();
});

async function greet(): Promise<void> {
  try {
    offlineNotice = (await karta.isOffline()) ? "Offline model: scripted replies" : "";
    tell(offlineNotice);
  } catch {
    // A browser does not tell a Karta that is down from one that does not allow this page.
    tell(
      `Beans can't be reached: Karta at ${config.karta} is not running, or its allowed_origins does not have ${location.origin}.`,
    );
  }
}

earlier.offered = true;
if (hasKeyboard) composer.focus();
await Promise.all([greet(), reopen()]);
