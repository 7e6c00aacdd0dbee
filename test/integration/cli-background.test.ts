/** `serve`, `start`, `stop` and `restart` against a package whose kartad is the fake one. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { CliHome, packageUnderTest } from "./cli-runner.ts";

let home: CliHome;

beforeEach(() => {
  home = new CliHome();
  home.package = layPackage(home.folder);
});
afterEach(async () => {
  await home.run(["stop"]);
  home.remove();
});

/** A copy of the built package, with daemon/bin/kartad.js replaced. */
function layPackage(folder: string): string {
  const root = path.join(folder, "package");
  for (const part of ["package.json", "cli/bin", "dist/cli", "dist/shared", "dist/oclif.manifest.json"]) {
    cpSync(path.join(packageUnderTest, part), path.join(root, part), { recursive: true });
  }
  symlinkSync(path.resolve(import.meta.dirname, "../../node_modules"), path.join(root, "node_modules"));
  mkdirSync(path.join(root, "daemon/bin"), { recursive: true });
  const fake = pathToFileURL(path.resolve(import.meta.dirname, "../fixtures/fake-kartad.ts")).href;
  writeFileSync(
    path.join(root, "daemon/bin/kartad.js"),
    `const { main } = await import(${JSON.stringify(fake)});\nawait main(process.argv.slice(2));\n`,
  );
  return root;
}

interface Seen {
  readonly pid: number;
  readonly argv: readonly string[];
}
const seenBy = (text: string) => JSON.parse(text.trim().split("\n")[0] ?? "") as Seen;

describe("serve", () => {
  test("becomes kartad: the same process, its flags, its signals, its exit code, nothing on stderr", async () => {
    const serving = home.open([
      "serve",
      "--port",
      "8123",
      "--offline",
      "--home",
      "state",
      "--log-level",
      "warn",
    ]);
    await serving.until("stdout", /\n/);
    const { pid, argv } = seenBy(serving.stdout);
    expect(pid).toBe(serving.child.pid);
    expect(argv).toEqual([
      "--port",
      "8123",
      "--offline",
      "--home",
      path.resolve("state"),
      "--log-level",
      "warn",
      "--socket",
      home.socket,
    ]);
    serving.child.kill("SIGTERM");
    expect(await serving.ended()).toMatchObject({ code: 7, stderr: "" });
  });
});

describe("start, stop, restart", () => {
  test("start waits until kartad answers; stop until it is gone, and says how many turns were running", async () => {
    expect(await home.run(["start", "--port", "8124"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^kartad 0\.1\.0 is running at http:\/\/127\.0\.0\.1:8124 \(pid \d+\)\n$/,
      ),
    });
    const { stdout } = await home.run(["status", "--json"]);
    const { pid } = JSON.parse(stdout) as Seen;
    expect(await home.run(["stop"])).toMatchObject({
      code: 0,
      stdout: `kartad (pid ${pid}) has stopped; 1 turn was running\n`,
    });
    expect((await home.run(["status"])).code).toBe(3);
  });

  test("a second start says that it runs, and refuses flags that the running one does not have", async () => {
    await home.run(["start", "--port", "8125"]);
    expect(await home.run(["start"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("already running"),
    });
    expect(await home.run(["start", "--port", "8125"])).toMatchObject({ code: 0 });
    expect(await home.run(["start", "--port", "8126", "--offline"])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("`karta restart --port 8126 --offline`"),
    });
  });

  test("restart keeps the address, and takes the flags that are given", async () => {
    await home.run(["start", "--port", "8127", "--home", home.folder]);
    expect(await home.run(["restart", "--offline"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(":8127"),
    });
    expect(seenBy(readFileSync(path.join(home.folder, "kartad.out"), "utf8")).argv).toEqual([
      "--port",
      "8127",
      "--host",
      "127.0.0.1",
      "--offline",
      "--home",
      home.folder,
      "--socket",
      home.socket,
    ]);
  });

  test("restart refuses an address that others reach while there is no key, and leaves the running one alone", async () => {
    await home.run(["start", "--port", "8128"]);
    const { pid } = JSON.parse((await home.run(["status", "--json"])).stdout) as Seen;
    expect(await home.run(["restart", "--host", "0.0.0.0"])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        /`karta keys create NAME`.*`karta restart --host 0\.0\.0\.0` again.*--insecure/,
      ),
    });
    expect(JSON.parse((await home.run(["status", "--json"])).stdout)).toMatchObject({ running: true, pid });
    expect((await home.run(["restart", "--host", "0.0.0.0", "--insecure"])).code).toBe(0);
    expect((await home.run(["restart"])).code).toBe(5); // --insecure is not remembered
  });

  test("a kartad that cannot start is told by its last line and what its exit code means", async () => {
    const { code, stderr } = await home.run(["start", "--port", "1"]);
    expect(code).toBe(1);
    expect(stderr).toContain("kartad: port 1 on 127.0.0.1 is taken (exit code 10: another program listens");
    const json = await home.run(["start", "--port", "1", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: "start_failed",
      exit_code: 10,
      reason: "port_taken",
    });
  });
});
