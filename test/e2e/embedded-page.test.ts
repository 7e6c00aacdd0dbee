/**
 * The embedded page in a real browser, straight on a real kartad with the real Claude Code: what a visitor sees, over
 * reloads, requests, restarts and hostile text, wide and narrow, light and dark. Each chat is a start of Claude Code: where a
 * fresh one is not the point, the tests of a part go on in one.
 */
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { servePage } from "../../examples/embedded-page/server.ts";
import { requireAction, read } from "../support/managed-agents.ts";
import { ChatPage } from "./support/chat-page.ts";
import { looksWell, SCREENS } from "./support/embedded-looks.ts";
import { EmbeddedScene, POISON } from "./support/embedded-scene.ts";

jest.setTimeout(90_000); // unpacking the browser takes a while, the first time

let scene: EmbeddedScene;
let chat: ChatPage;
beforeAll(async () => {
  scene = await EmbeddedScene.start();
});
afterAll(() => scene.end());
afterEach(() => expect(chat.errors).toEqual([]));

/** Another visitor, whose browser has never been here. */
async function meet(): Promise<void> {
  chat = await scene.open();
}
const part = (): Promise<void> => chat.close();

const button = (name: string) => chat.page.getByRole("button", { name, exact: true });

/** For the browser: keeps how long the newest reply is after each change. */
const RECORD_GROWTH = `(() => {
  window.__lengths = [];
  new MutationObserver(() => {
    const reply = [...document.querySelectorAll(".reply")].at(-1);
    if (reply) window.__lengths.push(reply.textContent.length);
  }).observe(document.querySelector("#messages"), { subtree: true, childList: true, characterData: true });
})()`;

describe("a visitor", () => {
  afterEach(part);

  test("chats: the bubble grows, Markdown is shown, context is kept, the browser talks to Karta itself", async () => {
    await meet();
    const asked: string[] = [];
    chat.page.on("request", (request) => asked.push(new URL(request.url()).origin));
    await chat.page.getByText("Offline model: scripted replies").waitFor();
    await chat.page.evaluate(RECORD_GROWTH);
    await chat.send("Count slowly.");
    await chat.settled("the end.");
    const lengths = await chat.page.evaluate<number[]>("window.__lengths");
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b)); // it never loses a word
    expect(new Set(lengths).size).toBeGreaterThan(5);
    expect(await chat.page.locator("#spoken").textContent()).toContain("the end."); // read out once, whole
    await button("New chat").waitFor();
    await chat.send("Any brewing tips?");
    await chat.settled("Grind a little coarser.");
    expect(await chat.reply.locator("li").count()).toBe(3);
    await chat.send("What did I say first?");
    await chat.settled("You first said: Count slowly.");
    expect(asked).toContain(new URL(scene.kartadUrl).origin);
  });

  test("reloads the page and finds the chat again, as it was", async () => {
    await meet();
    await chat.send("My name is Ada");
    await chat.settled("ok: My name is Ada");
    await chat.send("And I like tea");
    await chat.settled("ok: And I like tea");
    await chat.page.reload();
    await chat.settled("ok: And I like tea");
    expect(await chat.said()).toEqual([
      "My name is Ada",
      "ok: My name is Ada",
      "And I like tea",
      "ok: And I like tea",
    ]);
    await chat.send("What did I say first?");
    await chat.settled("You first said: My name is Ada");
    expect(await scene.client.list((await scene.remembered(chat)).endUser)).toHaveLength(1);
  });

  test("reloads in the middle of a reply, which goes on from its first word to its last", async () => {
    await meet();
    await chat.send("Hello there");
    await chat.settled("ok: Hello there");
    await chat.send("Count slowly.");
    await chat.reply.getByText("and so on and so on").waitFor();
    await chat.page.reload();
    await chat.settled("the end.");
    const said = await chat.said();
    expect(said.slice(0, 2)).toEqual(["Hello there", "ok: Hello there"]);
    expect(said.slice(3)).toEqual([`${"and so on ".repeat(40)}the end.`]);
    await chat.page.reload();
    await chat.settled("the end.");
    expect((await chat.said()).slice(2)).toEqual(["Count slowly.", `${"and so on ".repeat(40)}the end.`]);
  });

  test("goes back to an earlier chat, and finds no one else's there", async () => {
    await meet();
    const stranger = await scene.client.create({ end_user: "stranger" });
    await scene.client.ask(stranger, "A stranger's secret", 0);
    await chat.send("The first chat");
    await chat.settled("ok: The first chat");
    await button("New chat").click();
    await chat.send("The second chat");
    await chat.settled("ok: The second chat");
    await chat.page.getByText("Earlier chats").click();
    const list = chat.page.getByRole("list", { name: "Earlier chats" });
    await list.getByText("The first chat").waitFor();
    expect(await list.getByRole("button").count()).toBe(2);
    expect(await list.innerText()).not.toContain("secret");
    await list.getByText("The first chat").click();
    await chat.settled("ok: The first chat");
    await chat.send("What did I say first?");
    await chat.settled("You first said: The first chat");
  });
});

describe("in one chat, a visitor", () => {
  beforeAll(meet);
  afterAll(part);

  test("stops a reply, and goes on", async () => {
    await chat.send("Count slowly.");
    await chat.reply.getByText("and so on and so on").waitFor();
    await button("Stop").click();
    await button("Send").waitFor();
    expect(await chat.reply.innerText()).not.toContain("the end.");
    await chat.send("Hello again");
    await chat.settled("ok: Hello again");
  });

  test("attaches a file, which the agent is told of", async () => {
    await chat.page.locator("#file").setInputFiles({
      name: "../beans & <b>tea</b>.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("Sunrise is light."),
    });
    await chat.page.getByRole("list", { name: "Attached files" }).getByRole("listitem").waitFor();
    await chat.send("See attached.");
    await chat.settled("Thanks for the file.");
    const name = /\(Attached: (uploads\/[^)]+)\)/.exec((await chat.said()).at(-2) ?? "")?.[1] ?? "";
    expect(scene.has(name)).toBe(true);
    expect(await chat.page.getByRole("list", { name: "Attached files" }).getByRole("listitem").count()).toBe(
      0,
    );
  });
});

describe("a request", () => {
  beforeAll(meet);
  afterAll(part);

  const card = () => chat.page.getByRole("group", { name: "Beans asks for your approval" });

  test("is answered inline: yes lets the reply go on, and a reload before the answer asks again", async () => {
    await chat.send("write one");
    await card().waitFor();
    expect(await card().innerText()).toContain("Beans would like to use Write.");
    expect(await card().locator("code").innerText()).toMatch(/one\.txt$/);
    expect(scene.has("one.txt")).toBe(false);
    await chat.page.reload();
    await card().waitFor();
    await button("Allow").click();
    await chat.settled("I wrote one.");
    expect(await card().count()).toBe(0);
    expect(scene.has("one.txt")).toBe(true);
  });

  test("is answered with the keyboard: no", async () => {
    await chat.send("write two");
    await button("Don't allow").focus();
    await chat.page.keyboard.press("Enter");
    await chat.settled("I wrote two."); // the script says so whatever the tool said
    expect(scene.has("two.txt")).toBe(false);
  });

  test("that is answered elsewhere goes away by itself", async () => {
    await chat.send("write three");
    await card().waitFor();
    const sessionId = (await scene.remembered(chat)).sessionId ?? "";
    const { events } = await scene.client.get(sessionId);
    await scene.client.confirm(sessionId, requireAction(read(events)), "allow");
    await chat.settled("I wrote three.");
    expect(await card().count()).toBe(0);
  });

  test("that is a question offers its options", async () => {
    await chat.send("ask me");
    const question = chat.page.getByRole("group", { name: "A question from Beans" });
    await question.getByText("Which roast?").waitFor();
    await button("Midnight").click();
    await chat.settled("Midnight");
  });
});

describe("trouble", () => {
  beforeAll(meet);
  afterAll(part);

  test("hostile text, from the visitor and from the agent, is shown as text", async () => {
    await chat.send(`poison ${POISON}`);
    await chat.settled("onerror");
    await chat.page.reload();
    await chat.settled("onerror");
    const harmful = chat.page.locator("#messages").locator("img, script, svg, style, [href], [onerror]");
    expect(await harmful.count()).toBe(0);
    expect(await chat.page.evaluate<string>("typeof window.__pwned")).toBe("undefined");
    expect(await chat.reply.innerText()).toContain('<img src=x onerror="window.__pwned=1">');
  });

  test("a turn that fails says so, also after a reload, and can be tried again", async () => {
    await chat.send("overload");
    await chat.problem.getByText("Something went wrong while I was answering.").waitFor();
    expect(await chat.problem.innerText()).toContain("the roaster is on fire");
    await chat.page.reload();
    await chat.problem.getByText("Something went wrong while I was answering.").waitFor();
    await chat.retry.waitFor();
    await chat.send("Hello");
    await chat.settled("ok: Hello");
    expect(await chat.retry.count()).toBe(0);
  });

  test("a session that is gone: the message goes to a new one, and the page says so", async () => {
    await chat.send("Still there?");
    await chat.settled("ok: Still there?");
    const sessionId = (await scene.remembered(chat)).sessionId ?? "";
    await fetch(`${scene.kartadUrl}/v1/sessions/${sessionId}`, { method: "DELETE" });
    await chat.send("Hello again");
    await chat.settled("ok: Hello again");
    await chat.page.getByText("That chat is no longer there").waitFor();
  });

  test("kartad is killed in the middle of a reply: the page waits for it, and says how the turn ended", async () => {
    await part();
    await meet();
    await chat.send("Count slowly.");
    await chat.reply.getByText("and so on and so on").waitFor();
    await scene.kill();
    await chat.page.getByText("The connection was lost. Trying again…").waitFor();
    await scene.restart();
    await chat.problem.getByText("Something went wrong while I was answering.").waitFor();
    await chat.send("Hello again");
    await chat.settled("ok: Hello again");
  });

  test("a page whose origin is not allowed says what to do", async () => {
    const elsewhere = await servePage({ port: 0, kartaUrl: scene.kartadUrl, project: "bot" });
    const stranger = await ChatPage.open(scene.browser, elsewhere.url);
    await stranger.page.getByText("its allowed_origins does not have").waitFor();
    await stranger.send("Hello");
    await stranger.problem.getByText("I can't be reached right now.").waitFor();
    await stranger.close();
    await elsewhere.close();
  });
});

describe("the page", () => {
  afterEach(part);

  test.each(SCREENS)(
    "at %i wide nothing scrolls sideways, and what is written can be read",
    async (_, screen) => {
      chat = await scene.open(screen);
      await looksWell(chat);
    },
  );
});
