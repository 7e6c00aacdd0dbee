/** What the embedded page looks like, light and dark. `KARTA_SCREENSHOTS` names a folder for pictures. */
import { expect } from "@jest/globals";
import type { BrowserContextOptions } from "playwright-core";
import { screenshot } from "./browser.ts";
import type { ChatPage } from "./chat-page.ts";
import { LOW_CONTRAST } from "./contrast.ts";

/** By their width in CSS pixels: a desk's and a phone's. */
export const SCREENS: readonly [number, BrowserContextOptions][] = [
  [1280, { viewport: { width: 1280, height: 800 } }],
  [390, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
];

const SIDEWAYS =
  "['html', '#transcript'].flatMap((name) => { const e = document.querySelector(name); return [e.scrollWidth - e.clientWidth]; })";

/** In both colour schemes: nothing scrolls sideways, nothing is written in a colour that cannot be read. */
async function look({ page }: ChatPage, what: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await page.evaluate<number[]>(SIDEWAYS)).toEqual([0, 0]);
    expect({ what, colorScheme, low: await page.evaluate<string[]>(LOW_CONTRAST) }).toEqual({
      what,
      colorScheme,
      low: [],
    });
    const shots = process.env.KARTA_SCREENSHOTS;
    const name = `embedded-${what}-${page.viewportSize()?.width}-${colorScheme}`;
    if (shots !== undefined) await screenshot(page, name, shots);
  }
}

/** Looks at a fresh page while it is empty, has a problem, a request and a list of earlier chats. */
export async function looksWell(chat: ChatPage): Promise<void> {
  const button = (label: string) => chat.page.getByRole("button", { name: label, exact: true });
  await chat.page.getByText("Offline model").waitFor();
  await look(chat, "empty");
  await chat.send("Any brewing tips?");
  await chat.settled("Grind a little coarser.");
  await chat.send("overload");
  await chat.problem.waitFor();
  await look(chat, "problem");
  await chat.send(`write ${"w".repeat(120)}`);
  await button("Allow").waitFor();
  await look(chat, "request");
  await button("Don't allow").click();
  await chat.settled("I wrote w");
  await chat.page.getByText("Earlier chats").click();
  const list = chat.page.getByRole("list", { name: "Earlier chats" });
  await list.getByRole("button").waitFor();
  const box = await list.boundingBox();
  expect(box?.x).toBeGreaterThanOrEqual(0);
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(chat.page.viewportSize()?.width ?? 0);
  await look(chat, "earlier");
}
