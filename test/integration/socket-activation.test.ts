/** Sockets that a service manager holds: who connects while kartad is not there waits, and loses nothing. */
import { once } from "node:events";
import { existsSync, readdirSync, readlinkSync, statSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { createSession, send } from "../support/api.ts";
import { rawRequest } from "../support/http.ts";
import { makeHome, type TestHome } from "../support/kartad.ts";
import { eventually, processesWith } from "../support/processes.ts";
import { holdSockets, type HolderOptions, type SocketHolder } from "../support/socket-holder.ts";

jest.setTimeout(60_000);

let home: TestHome;
const holders: SocketHolder[] = [];
beforeEach(() => {
  home = makeHome();
});
afterEach(async () => {
  for (const holder of holders.splice(0)) await holder.close();
  await home.remove();
});

async function held(options?: HolderOptions): Promise<SocketHolder> {
  const holder = await holdSockets(home, options);
  holders.push(holder);
  return holder;
}

test("connections made before kartad is up are answered, on both planes", async () => {
  const holder = await held();
  const early = fetch(`${holder.url}/readyz`);
  const client = net.connect(home.socket);
  await once(client, "connect");
  client.write("GET /control/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await holder.start();
  expect((await early).status).toBe(200);
  let said = "";
  for await (const chunk of client.setEncoding("utf8")) said += String(chunk);
  expect(said).toContain(`"url":"${holder.url}"`);
  expect(await holder.stop()).toBe(0);
});

test("a restart loses no connection: each one made meanwhile is answered", async () => {
  const holder = await held();
  await holder.start();
  const statuses: number[] = [];
  let isOver = false;
  // Each on a connection of its own: one that is kept may be closed at any time, as ever.
  const client = async (): Promise<void> => {
    while (!isOver) statuses.push((await rawRequest(holder.port, "GET", "/healthz")).status);
  };
  const clients = Array.from({ length: 8 }, client);
  await fetch(`${holder.url}/readyz`);
  for (const end of [holder.stop, holder.stop]) {
    expect(await end()).toBe(0);
    const waiting = fetch(`${holder.url}/readyz`); // while nobody is there
    await holder.start();
    expect((await waiting).status).toBe(200);
    const soFar = statuses.length;
    await eventually(() => statuses.length >= soFar + 50, "the clients go on");
  }
  isOver = true;
  await Promise.all(clients); // none was refused or reset
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test("the sockets stay when kartad ends, also by kill -9, and the next one serves them with all that was stored", async () => {
  const holder = await held();
  await holder.start();
  const folder = home.project("bot", { "CLAUDE.md": "# Bot", "offline.toml": '[default]\ntext = "ok"\n' });
  await home.operator.addProject(folder, "bot");
  const { id } = await createSession(holder.url);
  expect(await send(holder.url, id, "hello")).toMatchObject({ text: "ok" });
  const agents = processesWith(home.folder).filter(({ command }) => command.includes("claude"));
  expect(agents.length).toBeGreaterThan(0);
  expect(await holder.kill()).toBe(-9);
  expect(existsSync(home.socket)).toBe(true);
  const asked = fetch(`${holder.url}/v1/sessions/${id}`);
  await holder.start();
  expect(await (await asked).json()).toMatchObject({ id, last_seq: expect.any(Number) });
  expect(await holder.stop()).toBe(0);
  expect(existsSync(home.socket)).toBe(true);
  expect(statSync(home.socket).mode & 0o777).toBe(0o600);
});

test("no agent has the sockets: it could take the operator's connections", async () => {
  const holder = await held();
  const kartad = await holder.start();
  const folder = home.project("bot", { "CLAUDE.md": "# Bot", "offline.toml": '[default]\ntext = "ok"\n' });
  await home.operator.addProject(folder, "bot");
  await send(holder.url, (await createSession(holder.url)).id, "hello");
  const socketsOf = (pid: number) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(path.join(`/proc/${pid}/fd`, fd))];
      } catch {
        return []; // closed meanwhile
      }
    });
  const handed = [3, 4].map((fd) => readlinkSync(`/proc/${kartad}/fd/${fd}`));
  expect(handed).toEqual([expect.stringMatching(/^socket:/), expect.stringMatching(/^socket:/)]);
  const others = processesWith(home.folder).filter(
    ({ pid, command }) => pid !== kartad && !command.includes("socket-holder"),
  );
  expect(others.length).toBeGreaterThan(0);
  for (const { pid } of others) expect(socketsOf(pid).filter((place) => handed.includes(place))).toEqual([]);
  expect(await holder.stop()).toBe(0);
});

test.each<[string, HolderOptions, string]>([
  ["without names", { names: "" }, 'expected http or control, found ""'],
  ["under a name that is none", { names: "http:admin" }, 'found "admin"'],
  ["twice under one name", { names: "http:http" }, "two sockets named http"],
  ["of the wrong kind for http", { names: "control:http" }, "the socket http is a Unix socket"],
  [
    "on every address, where the settings say loopback",
    { env: { HOLDER_HOST: "0.0.0.0" } },
    "set KARTA_HOST",
  ],
  [
    "at another path than the settings say",
    { flags: ["--socket", "/tmp/karta-elsewhere/k.sock"] },
    "set KARTA_SOCKET",
  ],
  ["that others may use", { env: { HOLDER_UMASK: "000" } }, "SocketMode=0600"],
])("a socket handed over %s is refused, with what to change", async (_what, options, words) => {
  const holder = await held(options);
  const asked = fetch(`${holder.url}/healthz`).catch(() => "cut off");
  await holder.start();
  expect(await holder.ended()).toBe(DAEMON_EXIT.bad_config);
  expect(holder.log()).toContain(words);
  expect(holder.log().trim().split("\n").at(-1)).toMatch(/^kartad: bad_config: /);
  await holder.close();
  expect(await asked).toBe("cut off"); // nobody has answered it
});

test("variables that are meant for another process mean nothing", async () => {
  const kartad = await home.start({
    env: { LISTEN_FDS: "2", LISTEN_PID: "1", LISTEN_FDNAMES: "http:control" },
  });
  expect((await fetch(`${kartad.url}/readyz`)).status).toBe(200);
});
