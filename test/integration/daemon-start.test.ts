/** Starts that must fail: one clear line, a named exit code, and nothing changed. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createServer, type Server } from "node:net";
import { mkdirSync, readFileSync, writeFileSync, statSync, existsSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { makeHome, type TestHome } from "../support/kartad.ts";

jest.setTimeout(30_000);

/** The last line is the one that says why. */
function lastLine(stderr: string): string {
  return stderr.trim().split("\n").at(-1) ?? "";
}

describe("a start that cannot be", () => {
  let home: TestHome;
  beforeEach(() => {
    home = makeHome();
  });
  afterEach(() => home.remove());

  async function listenOnFreePort(): Promise<{ server: Server; port: number }> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no address");
    return { server, port: address.port };
  }

  test("port taken", async () => {
    const { server, port } = await listenOnFreePort();
    const exit = await home.runToEnd({ flags: ["--port", String(port)] });
    server.close();
    expect(exit.code).toBe(DAEMON_EXIT.port_taken);
    expect(lastLine(exit.stderr)).toBe(
      `kartad: port_taken: 127.0.0.1:${port} is in use by another program; choose another with --port`,
    );
    expect(existsSync(home.socket)).toBe(false);
  });

  test("a second daemon on the same state folder", async () => {
    const first = await home.start();
    const exit = await home.runToEnd();
    expect(exit).toMatchObject({ code: DAEMON_EXIT.already_running });
    expect(lastLine(exit.stderr)).toContain(home.state);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  test("a second daemon on the same socket, with a state folder of its own", async () => {
    const first = await home.start();
    const exit = await home.runToEnd({ flags: ["--home", path.join(home.folder, "other")] });
    expect(exit).toMatchObject({ code: DAEMON_EXIT.already_running });
    expect(lastLine(exit.stderr)).toContain(home.socket);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
    expect((await home.karta(["status", "--json"])).code).toBe(0);
  });

  test("a state folder that is a file", async () => {
    writeFileSync(home.state, "mine");
    const exit = await home.runToEnd();
    expect(exit.code).toBe(DAEMON_EXIT.state_unwritable);
    expect(lastLine(exit.stderr)).toContain(home.state);
    expect(readFileSync(home.state, "utf8")).toBe("mine");
  });

  test("a socket's path that holds something else", async () => {
    mkdirSync(path.dirname(home.socket), { recursive: true });
    writeFileSync(home.socket, "mine");
    const exit = await home.runToEnd();
    expect(exit.code).toBe(DAEMON_EXIT.state_unwritable);
    expect(lastLine(exit.stderr)).toContain("is not a socket");
    expect(readFileSync(home.socket, "utf8")).toBe("mine");
  });

  test("a store from a newer version is left untouched", async () => {
    await (await home.start()).stop();
    const file = path.join(home.state, "karta.db");
    const store = new DatabaseSync(file);
    store.exec(
      `INSERT INTO kysely_migration (name, timestamp) VALUES ('9999_from_the_future', '2030-01-01')`,
    );
    store.close();
    const before = readFileSync(file);
    const exit = await home.runToEnd();
    expect(exit.code).toBe(DAEMON_EXIT.store_newer);
    expect(lastLine(exit.stderr)).toContain("9999_from_the_future");
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("a socket path over the system's limit", async () => {
    const long = path.join(home.folder, "x".repeat(120), "k.sock");
    const exit = await home.runToEnd({ env: { KARTA_SOCKET: long } });
    expect(exit.code).toBe(DAEMON_EXIT.bad_config);
    expect(lastLine(exit.stderr)).toContain("set KARTA_SOCKET to a shorter one");
  });

  test.each([
    ["an address other than loopback", ["--host", "0.0.0.0"], DAEMON_EXIT.unsafe_bind, "--insecure"],
    ["an unknown flag", ["--prot", "1"], DAEMON_EXIT.bad_config, "--prot"],
    ["a port that is none", ["--port", "http"], DAEMON_EXIT.bad_config, "--port"],
    ["a port out of range", ["--port", "70000"], DAEMON_EXIT.bad_config, "70000"],
    ["a log level that is none", ["--log-level", "loud"], DAEMON_EXIT.bad_config, "--log-level"],
  ])("%s", async (_what, flags, code, names) => {
    const exit = await home.runToEnd({ flags });
    expect(exit.code).toBe(code);
    expect(lastLine(exit.stderr)).toContain(names);
  });

  test.each([
    ["not TOML", "port = = 1", "kartad.toml:1"],
    ["an unknown key", "prot = 1", "prot"],
    ["a wrong type", 'drain_seconds = "soon"', "drain_seconds"],
  ])("kartad.toml: %s", async (_what, text, names) => {
    mkdirSync(home.state);
    writeFileSync(path.join(home.state, "kartad.toml"), text);
    const exit = await home.runToEnd();
    expect(exit.code).toBe(DAEMON_EXIT.bad_config);
    expect(lastLine(exit.stderr)).toContain(names);
  });
});

describe("a start and a stop", () => {
  let home: TestHome;
  beforeEach(() => {
    home = makeHome();
  });
  afterEach(() => home.remove());

  test("the socket is the owner's alone, and a dead one is replaced", async () => {
    const first = await home.start();
    expect(statSync(home.socket).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(home.socket)).mode & 0o777).toBe(0o700);
    await first.kill();
    expect(existsSync(home.socket)).toBe(true);
    await home.start();
    expect((await home.ask(["status", "--json"])).code).toBe(0);
  });

  test("SIGTERM ends it with code 0 and takes the socket away", async () => {
    const kartad = await home.start();
    expect(await kartad.stop()).toMatchObject({ code: 0, signal: null });
    expect(existsSync(home.socket)).toBe(false);
  });

  test("the first log line of an offline daemon says that replies are scripted", async () => {
    const kartad = await home.start();
    const { stderr } = await kartad.stop();
    expect(stderr.split("\n")[0]).toContain("offline model: scripted replies");
  });

  test("without a credential a turn is 503 and says what to do; nothing is stored", async () => {
    const kartad = await home.start({ offline: false });
    const folder = home.project("bot", { "CLAUDE.md": "# Bot" });
    await home.operator.addProject(folder);
    const post = (route: string, body: unknown) =>
      fetch(kartad.url + route, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    const session: unknown = await (await post("/v1/sessions", {})).json();
    expect(session).toMatchObject({ project: { ref: "bot" } });
    const id = session !== null && typeof session === "object" && "id" in session ? String(session.id) : "";
    const refused = await post(`/v1/sessions/${id}/messages`, { text: "hello", stream: true });
    expect(refused.status).toBe(503);
    const body: unknown = await refused.json();
    expect(body).toMatchObject({ error: "harness_unavailable" });
    expect(JSON.stringify(body)).toContain("ANTHROPIC_API_KEY");
    expect(await (await fetch(`${kartad.url}/v1/sessions/${id}`)).json()).toMatchObject({ last_seq: 0 });
  });
});
