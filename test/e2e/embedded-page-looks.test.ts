/** What the embedded page looks like, wide and narrow, light and dark. `KARTA_SCREENSHOTS` names a folder for pictures. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { BrowserContextOptions } from "playwright-core";
import { screenshot } from "./support/browser.ts";
import { LOW_CONTRAST } from "./support/contrast.ts";
import { EmbeddedScene } from "./support/embedded-scene.ts";

jest.setTimeout(90_000); // unpacking the browser takes a while, the first time

let scene: EmbeddedScene;
beforeAll(async () => {
  scene = await EmbeddedScene.start();
});
afterAll(() => scene.end());

const LOOKS: readonly [string, BrowserContextOptions][] = [
  ["1280-light", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
  ["1280-dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
  [
    "390-light",
    { viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true, hasTouch: true },
  ],
  [
    "390-dark",
    { viewport: { width: 390, height: 844 }, colorScheme: "dark", isMobile: true, hasTouch: true },
  ],
];

test.each(LOOKS)("at %s nothing scrolls sideways, and what is written can be read", async (name, options) => {
  const chat = await scene.open(options);
  const button = (label: string) => chat.page.getByRole("button", { name: label, exact: true });
  const look = async (what: string): Promise<void> => {
    const widths = await chat.page.evaluate<number[]>(
      "['html', '#transcript'].flatMap((name) => { const e = document.querySelector(name); return [e.scrollWidth - e.clientWidth]; })",
    );
    expect(widths).toEqual([0, 0]);
    expect(await chat.page.evaluate<string[]>(LOW_CONTRAST)).toEqual([]);
    const shots = process.env.KARTA_SCREENSHOTS;
    if (shots !== undefined) await screenshot(chat.page, `embedded-${what}-${name}`, shots);
  };
  await chat.page.getByText("Offline model").waitFor();
  await look("empty");
  await chat.send("Any brewing tips?");
  await chat.settled("Grind a little coarser.");
  await chat.send("overload");
  await chat.problem.waitFor();
  await look("problem");
  await chat.send(`write ${"w".repeat(120)}`);
  await button("Allow").waitFor();
  await look("request");
  await button("Don't allow").click();
  await chat.settled("I wrote it down.");
  await chat.page.getByText("Earlier chats").click();
  const list = chat.page.getByRole("list", { name: "Earlier chats" });
  await list.getByRole("button").waitFor();
  const box = await list.boundingBox();
  expect(box?.x).toBeGreaterThanOrEqual(0);
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(options.viewport?.width ?? 0);
  await look("earlier");
  expect(chat.errors).toEqual([]);
  await chat.close();
});
