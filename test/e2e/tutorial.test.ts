/**
 * The tutorial, as written: its shell lines, its two HTTP calls, its browser code and its page, on the real kartad with the
 * real Claude Code. Only the model is scripted, by the app's own offline.toml.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { cpSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { execa } from "execa";
import type { Browser } from "playwright-core";
import { startWeb, type Web } from "../../examples/support-bot-demo/web/server.ts";
import { packageRoot } from "../../shared/paths.ts";
import { frames, textOf } from "../support/api.ts";
import { listening, makeHome, type TestHome } from "../support/kartad.ts";
import { eventually, processesWith } from "../support/processes.ts";
import { launchBrowser, screenshot } from "./support/browser.ts";
import { ChatPage } from "./support/chat-page.ts";
import { tutorialWidget } from "./support/tutorial-widget.ts";

jest.setTimeout(60_000);

const root = packageRoot();
let home: TestHome;
let web: Web;
let browser: Browser;
let url = "http://localhost:8000";
let endServe: () => Promise<unknown>;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

beforeAll(async () => {
  home = makeHome();
  cpSync(path.join(root, "examples/support-bot-demo/app"), path.join(home.folder, "app"), {
    recursive: true,
  });
  const port = (await isFree(8000)) ? "8000" : "8017";
  if (port !== "8000") {
    process.stderr.write("port 8000 is taken on this machine: the tutorial is tried on 8017\n");
    url = "http://localhost:8017";
  }
  const serve = execa(
    process.execPath,
    [path.join(root, "cli/bin/karta.js"), "serve", "--port", port, "--offline"],
    {
      env: { PATH: process.env.PATH, HOME: home.folder, KARTA_HOME: home.state, KARTA_SOCKET: home.socket },
      extendEnv: false,
      cwd: home.folder,
      reject: false,
      stdin: "ignore",
      stderr: "pipe",
    },
  );
  endServe = () => {
    serve.kill("SIGINT"); // Ctrl-C
    return serve;
  };
  await listening(serve.stderr);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
  await web.close();
  await endServe();
  await eventually(() => processesWith(home.folder).length === 0, "Ctrl-C leaves no process");
  await home.remove();
});

describe("the tutorial", () => {
  test("3. karta project add ./app support-bot; karta project list", async () => {
    const added = await home.karta(["project", "add", "./app", "support-bot"]);
    expect(added).toMatchObject({ code: 0 });
    const { stdout } = await home.karta(["project", "list"]);
    expect(stdout).toContain("support-bot");
    expect(stdout).toContain("claude-code");
  });

  test("4. the server's two calls", async () => {
    const created = await fetch(`${url}/v1/sessions`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ metadata: { visitor: "v-1" } }),
    });
    expect(created.status).toBe(201);
    const session: unknown = await created.json();
    expect(session).toMatchObject({
      session_id: expect.stringMatching(/^sess_/),
      metadata: { visitor: "v-1" },
    });
    const id =
      session !== null && typeof session === "object" && "session_id" in session
        ? String(session.session_id)
        : "";
    const reply = await fetch(`${url}/v1/sessions/${id}/messages`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: "Do you ship free?", stream: true }),
    });
    expect(reply.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(reply.headers.get("cache-control")).toBe("no-cache, no-transform");
    expect(reply.headers.get("x-accel-buffering")).toBe("no");
    const received = await Array.fromAsync(frames(reply));
    expect(textOf(received)).toBe("Orders over $35 ship free, and most arrive in 2–3 business days.");
  });

  test("4. the browser's code, letter for letter", async () => {
    web = await startWeb({ port: 0, kartaUrl: url });
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(web.url);
    expect(await page.evaluate(tutorialWidget("Hi! What roasts do you have?"))).toContain(
      "Midnight (dark, chocolatey)",
    );
    await context.close();
  });

  test("5. the page: the bubble grows token by token, and two turns keep their context", async () => {
    const chat = await ChatPage.open(browser, web.url);
    await chat.send("Hi! What roasts do you have?");
    const lengths = new Set<number>();
    await chat.reply.waitFor();
    while ((await chat.page.locator(".from-beans.streaming").count()) > 0) {
      lengths.add((await chat.reply.innerText()).length);
    }
    expect(lengths.size).toBeGreaterThanOrEqual(3);
    await chat.settled("Anything catch your eye?");

    await chat.send("What did I ask first?");
    await chat.settled("What roasts do you have?");
    await screenshot(chat.page, "real-1280");
    await chat.page.setViewportSize({ width: 390, height: 844 });
    await screenshot(chat.page, "real-390");
    expect(chat.errors).toEqual([]);
    await chat.close();
  });

  test("markup in an agent's reply is inert", async () => {
    // The default reply of a project without a script repeats nothing, so the user's own words come back by this one.
    const chat = await ChatPage.open(browser, web.url);
    await chat.send(
      `My first words: <img src=x onerror="document.title='pwned'"> and <script>document.title='pwned'</script>`,
    );
    await chat.reply.waitFor();
    await chat.page.locator(".from-beans:not(.streaming)").last().waitFor();
    await chat.send("What did I ask first?");
    await chat.settled("My first words:");
    expect(await chat.page.locator(".reply img, .reply script").count()).toBe(0);
    expect(await chat.page.title()).not.toBe("pwned");
    expect(chat.errors).toEqual([]);
    await chat.close();
  });
});
