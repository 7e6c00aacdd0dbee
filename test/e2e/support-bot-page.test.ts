/** The support bot's chat page in a real browser, in front of a Karta whose every frame the test releases. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { launchBrowser } from "./support/browser.ts";
import { ChatScene } from "./support/chat-scene.ts";
import { tutorialWidget } from "./support/tutorial-widget.ts";

jest.setTimeout(60_000); // unpacking the browser takes a while, the first time

let browser: Browser;
let scene: ChatScene;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser.close());

beforeEach(async () => {
  scene = await ChatScene.start(browser);
});

afterEach(async () => {
  expect(await scene.end()).toEqual([]);
});

describe("a reply", () => {
  test("grows in its bubble as the tokens come", async () => {
    const turn = await scene.ask("Hi! What roasts do you have?");
    await scene.chat.page.locator(".typing").waitFor();
    const lengths: number[] = [];
    for (const words of ["Welcome! ☕ ", "We've got Sunrise, ", "Midnight ", "and Decaf Dusk."]) {
      turn.say(words);
      await scene.chat.reply.getByText(words.trim()).waitFor();
      lengths.push((await scene.chat.reply.innerText()).length);
    }
    expect(await scene.chat.page.locator(".typing").count()).toBe(0);
    expect(lengths).toEqual([...new Set(lengths)].sort((a, b) => a - b)); // each longer than the one before
    expect(lengths).toHaveLength(4);
    turn.done();
    await scene.chat.settled("Welcome! ☕ We've got Sunrise, Midnight and Decaf Dusk.");
    expect(await scene.chat.page.locator("#spoken").textContent()).toContain("Midnight and Decaf Dusk."); // read out once, whole
  });

  test("comes out right however the bytes are cut", async () => {
    const turn = await scene.ask("Hi");
    const frame = turn.frame("text", { part: { type: "text", text: "Crème ☕ 2–3 €" }, message_id: "msg_1" });
    const bytes = Buffer.from(`: ping\r\n\r\n${frame.replaceAll("\n", "\r\n")}`);
    for (let at = 0; at < bytes.length; at += 3) turn.raw(bytes.subarray(at, at + 3));
    turn.done();
    await scene.chat.settled("Crème ☕ 2–3 €");
  });

  test("shows Markdown, first to last block, the same as when rendered at once", async () => {
    const turn = await scene.ask("Any brewing tips?");
    turn.say("For **pour-over**:\n\n- Ratio\n- Grind\n");
    await scene.chat.reply.locator("li").nth(1).waitFor();
    turn.say(
      "\n- Water\n\nToo *bitter*? [Read](https://karta.example/a)\n\n```\n<b>code</b>\n```\n\n3. third\n",
    );
    turn.done();
    await scene.chat.settled("Read");
    expect(await scene.chat.reply.locator("ul > li").count()).toBe(3);
    expect(await scene.chat.reply.locator("ol").getAttribute("start")).toBe("3");
    const link = scene.chat.reply.getByRole("link");
    expect(await link.getAttribute("href")).toBe("https://karta.example/a");
    expect(await link.getAttribute("rel")).toContain("noopener");
    expect(await scene.chat.reply.locator("code").textContent()).toBe("<b>code</b>\n");
  });

  test("cannot inject anything", async () => {
    const requested: string[] = [];
    scene.chat.page.on("request", (request) => requested.push(request.url()));
    const poison = [
      '<img src=x onerror="window.__pwned=1">',
      "<script>window.__pwned=1</script>",
      "[x](javascript:alert(1)) [y](data:text/html,1) [z](/api/spawn)",
      "text <svg onload=window.__pwned=1> <a href='javascript:alert(1)'>a</a> <style>body{display:none}</style>",
      "![a bag](https://tracker.example/pixel.png)",
      'inline <script>document.title="pwned" <img src=x onerror=window.__pwned=1></script>',
    ].join("\n\n");
    const turn = await scene.ask("<img src=x onerror=window.__pwned=1>");
    turn.say(poison);
    await scene.chat.reply.getByText("[image: a bag]").waitFor(); // inert while it streams…
    expect(await scene.chat.reply.locator("img, script, svg, style, [href], [onerror]").count()).toBe(0);
    turn.say("\n\nthe end");
    turn.done();
    await scene.chat.settled("the end"); // …and once it is whole
    expect(
      await scene.chat.page
        .locator("#messages")
        .locator("img, script, svg, style, [href], [onerror]")
        .count(),
    ).toBe(0);
    expect(await scene.chat.page.evaluate<string>("typeof window.__pwned")).toBe("undefined");
    expect(await scene.chat.page.title()).not.toBe("pwned");
    expect(requested.filter((url) => !url.startsWith(`${scene.web.url}/api/`))).toEqual([]);
    expect(await scene.chat.reply.innerText()).toContain('<img src=x onerror="window.__pwned=1">'); // shown as the text it is
  });
});

describe("a conversation", () => {
  test("keeps one session over its turns, and over a reload", async () => {
    const first = await scene.exchange("What roasts?", "Three of them.");
    const second = await scene.exchange("Do you ship free?", "Over $35.");
    await scene.chat.page.reload();
    expect(await scene.chat.said()).toEqual([
      "What roasts?",
      "Three of them.",
      "Do you ship free?",
      "Over $35.",
    ]);
    const third = await scene.exchange("What did I say first?", "What roasts?");
    expect(scene.karta.sessions).toHaveLength(1);
    expect([first.sessionId, second.sessionId, third.sessionId]).toEqual(
      Array(3).fill(scene.karta.sessions[0]),
    );
  });

  test("starts anew with New chat", async () => {
    await scene.exchange("One", "First.");
    await scene.chat.page.getByRole("button", { name: "New chat" }).click();
    await scene.chat.page.getByRole("heading", { name: "What can I pour you?" }).waitFor();
    expect(await scene.chat.page.locator(".bubble").count()).toBe(0);
    await scene.exchange("Two", "Second.");
    expect(scene.karta.sessions).toHaveLength(2);
  });

  test("can be started by a suggestion, and says when the model is offline", async () => {
    await scene.chat.page.getByText("Offline model: scripted replies").waitFor();
    await scene.chat.page.getByRole("button", { name: "Do you ship free?" }).click();
    expect((await scene.karta.nextTurn()).text).toBe("Do you ship free?");
    expect(await scene.chat.page.locator("#greeting").isVisible()).toBe(false);
  });
});

describe("the message box", () => {
  test("sends with Enter, breaks the line with Shift+Enter, and has the focus from the start", async () => {
    await scene.chat.page.keyboard.type("first");
    await scene.chat.page.keyboard.press("Shift+Enter");
    await scene.chat.page.keyboard.type("second");
    await scene.chat.page.keyboard.press("Enter");
    expect((await scene.karta.nextTurn()).text).toBe("first\nsecond");
    expect(await scene.chat.box.inputValue()).toBe("");
  });

  test("takes text while a reply comes in, and sends it only afterwards", async () => {
    const turn = await scene.ask("One");
    await scene.chat.box.fill("Two");
    await scene.chat.box.press("Enter");
    expect(await scene.chat.box.inputValue()).toBe("Two");
    expect(await scene.chat.sendButton.getAttribute("aria-disabled")).toBe("true");
    await scene.chat.page.getByText("You can send when the reply is done.").waitFor();
    turn.say("First.");
    turn.done();
    await scene.chat.settled("First.");
    expect(await scene.chat.sendButton.getAttribute("aria-disabled")).toBe("false");
    await scene.chat.sendButton.click();
    expect((await scene.karta.nextTurn()).text).toBe("Two");
  });
});

describe("the page", () => {
  test("stays where the reader scrolled to, and jumps to the latest on demand", async () => {
    const turn = await scene.ask("Tell me everything");
    const lines = (from: number) => Array.from({ length: 60 }, (_, n) => `line ${from + n}.`).join("\n\n");
    turn.say(lines(0));
    await scene.chat.reply.getByText("line 59.").waitFor();
    const region = scene.chat.page.getByRole("region", { name: "Conversation" });
    const jump = scene.chat.page.getByRole("button", { name: "Jump to latest" });
    expect(await jump.isVisible()).toBe(false); // it followed
    await region.hover();
    await scene.chat.page.mouse.wheel(0, -600);
    await jump.waitFor();
    const scrollTop = () =>
      scene.chat.page.evaluate<number>("document.querySelector('#transcript').scrollTop");
    const top = await scrollTop();
    turn.say(`\n\n${lines(60)}`);
    await scene.chat.reply.getByText("line 119.").waitFor();
    expect(await scrollTop()).toBe(top);
    await jump.click();
    await jump.waitFor({ state: "hidden" });
    turn.say("\n\nlast line.");
    turn.done();
    await scene.chat.settled("last line.");
    await scene.chat.page.waitForFunction(
      "((r) => r.scrollHeight - r.scrollTop - r.clientHeight < 2)(document.querySelector('#transcript'))",
    );
  });

  test("does not scroll sideways at phone width", async () => {
    await scene.end();
    scene = await ChatScene.start(browser, {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    });
    const widths = () =>
      scene.chat.page.evaluate<number[]>(
        "['html', '#transcript'].map((name) => document.querySelector(name).scrollWidth)",
      );
    expect(await widths()).toEqual([390, 390]);
    const turn = await scene.ask("x".repeat(300));
    const wide = "w".repeat(200);
    turn.say(`${wide}\n\n\`\`\`\n${wide}\n\`\`\`\n\n| ${wide} | b |\n|-|-|\n| ${wide} | d |\n\nend of it`);
    turn.done();
    await scene.chat.settled("end of it");
    expect(await widths()).toEqual([390, 390]);
    const shown = await scene.chat.box.boundingBox();
    expect((shown?.y ?? 844) + (shown?.height ?? 0)).toBeLessThan(844);
  });

  test("serves the tutorial's own browser code as it is written", async () => {
    const running = scene.chat.page.evaluate<string>(tutorialWidget("Do you ship free?"));
    const turn = await scene.karta.nextTurn();
    turn.say("Orders over $35 ");
    turn.say("ship free.");
    turn.done();
    expect(await running).toBe("Orders over $35 ship free.");
  });
});
