/** A real headless browser for end-to-end tests, and pictures of what it shows. The page itself is built by `npm run build`. */
import { execFile } from "node:child_process";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import chromium from "@sparticuz/chromium";
import { chromium as playwright, type Browser, type Page } from "playwright-core";

const run = promisify(execFile);

/** Flags that would make a test lie: cross-origin rules off, or renderer and browser falling together. */
const UNWANTED = new Set([
  "--disable-web-security",
  "--allow-running-insecure-content",
  "--single-process",
  "--headless='shell'", // playwright gives its own
]);

// Without it a page is drawn by a GPU's emulation, which doubles what a test costs the machine; none looks at WebGL.
chromium.setGraphicsMode = false;

/** Starts Chromium. The caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({
    executablePath: await unpackChromium(),
    args: chromium.args.filter((flag) => !UNWANTED.has(flag)),
    headless: true,
  });
}

/** Saves what the page shows as `name`.png in the folder, /tmp/karta-screenshots where none is given. */
export async function screenshot(
  page: Page,
  name: string,
  folder = path.join(tmpdir(), "karta-screenshots"),
) {
  const file = path.join(folder, `${name}.png`);
  await page.screenshot({ path: file });
  return file;
}

/**
 * The package unpacks into the temp folder and takes a file that is there for a finished one, so two test processes
 * starting together could run half a browser. Each unpacks into a folder of its own, and one rename decides.
 */
async function unpackChromium(): Promise<string> {
  const shared = path.join(tmpdir(), "karta-test-chromium");
  const executable = path.join(shared, "chromium");
  if (existsSync(executable)) return executable;
  const own = await mkdtemp(path.join(tmpdir(), "karta-test-chromium-"));
  const script = 'await (await import("@sparticuz/chromium")).default.executablePath()';
  await run(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...process.env, TMPDIR: own },
  });
  try {
    await rename(own, shared);
  } catch {
    await rm(own, { recursive: true, force: true }); // another process was first
  }
  return executable;
}
