/** The support bot's chat page in a real browser when replies fail, sessions end and servers go away. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { startFakeKarta, type FakeTurn } from "../fixtures/fake-karta.ts";
import { launchBrowser } from "./support/browser.ts";
import { ChatScene } from "./support/chat-scene.ts";

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

describe("a session that is gone", () => {
  test.each(["the web server restarted", "Karta forgot it"])(
    "goes on in a new session when %s",
    async (what) => {
      await scene.exchange("One", "First.");
      if (what === "Karta forgot it") {
        scene.karta.forgetSessions();
      } else {
        await scene.restartWeb();
      }
      await scene.exchange("Two", "Second.");
      expect(await scene.chat.page.locator(".note").innerText()).toContain("this is a new one");
      expect(await scene.chat.said()).toEqual(["One", "First.", "Two", "Second."]);
      expect(scene.karta.sessions).toHaveLength(2);
    },
  );
});

describe("when a reply fails", () => {
  const breaks: [string, (turn: FakeTurn) => void, string, boolean][] = [
    [
      "an error event",
      (turn) => turn.fail("model_error", "The model is overloaded."),
      "The model is overloaded.",
      false,
    ],
    ["a stream that just ends", (turn) => turn.endSilently(), "The connection was lost", true],
    ["a connection that breaks", (turn) => turn.cut(), "The connection was lost", true],
  ];

  test.each(breaks)("%s can be tried again", async (_what, breakIt, words, sameTurn) => {
    const turn = await scene.ask("Hi");
    turn.say("I was about");
    await scene.chat.reply.getByText("I was about").waitFor();
    breakIt(turn);
    await scene.chat.problem.getByText(words).waitFor();
    await scene.chat.reply.getByText("I was about").waitFor(); // what came stays until the next try
    await scene.chat.retry.click();
    const again = await scene.karta.nextTurn();
    expect([again.text, again.sessionId]).toEqual(["Hi", turn.sessionId]);
    // Where nobody knows whether the turn ran, the key keeps it from running twice.
    expect(again.headers["idempotency-key"] === turn.headers["idempotency-key"]).toBe(sameTurn);
    again.say("Hello!");
    again.done();
    await scene.chat.settled("Hello!");
    expect(await scene.chat.problem.count()).toBe(0);
    expect(await scene.chat.said()).toEqual(["Hi", "Hello!"]);
  });

  test("a busy Karta says when to come back", async () => {
    const body = { error: "pool_saturated", detail: "Every process is taken." };
    scene.karta.refuseNext({ path: "/messages", status: 503, body, headers: { "Retry-After": "7" } });
    await scene.chat.box.fill("Hi");
    await scene.chat.box.press("Enter");
    await scene.chat.problem.getByText("Please try again in 7 seconds.").waitFor();
    await scene.chat.retry.press("Enter");
    expect((await scene.karta.nextTurn()).text).toBe("Hi");
    expect(await scene.chat.page.evaluate<string>("document.activeElement.id")).toBe("message");
  });

  test("a Karta that is down is named, and the try after its start succeeds", async () => {
    const { port } = new URL(scene.karta.url);
    await scene.karta.close();
    await scene.chat.box.fill("Hi");
    await scene.chat.box.press("Enter");
    await scene.chat.problem.getByText(`karta serve --port ${port}`).waitFor();
    scene.karta = await startFakeKarta({ port: Number(port) });
    await scene.chat.retry.click();
    expect((await scene.karta.nextTurn()).text).toBe("Hi");
  });

  test("a reload in the middle of a reply offers it again", async () => {
    const turn = await scene.ask("Hi");
    turn.say("Half");
    await scene.chat.reply.getByText("Half").waitFor();
    await scene.chat.page.reload();
    await turn.closed;
    await scene.chat.page.getByText("The page was reloaded before this was answered.").waitFor();
    await scene.chat.retry.click();
    expect((await scene.karta.nextTurn()).headers["idempotency-key"]).toBe(turn.headers["idempotency-key"]);
  });
});
