import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import {
  listenOnSocket,
  NotASocketError,
  prepareSocket,
  SocketLiveError,
} from "../../../daemon/control/socket.ts";
import { folderWith } from "../apps/temp-project.ts";

const servers: net.Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, "close");
  }
});

function server(): net.Server {
  const made = net.createServer((client) => {
    client.on("error", () => undefined); // a probe does not wait for the answer
    client.end("hello");
  });
  servers.push(made);
  return made;
}

const modeOf = (file: string) => (statSync(file).mode & 0o7777).toString(8);

async function hears(socketPath: string): Promise<string> {
  const client = net.connect(socketPath);
  const said: unknown[] = await once(client, "data");
  return String(said[0]);
}

describe("the control socket", () => {
  test("is the owner's alone from its first moment, in a folder of its own that is too", async () => {
    const socketPath = path.join(await folderWith(), "deep", "run", "k.sock");
    await prepareSocket(socketPath);
    const listening = listenOnSocket(server(), socketPath);
    expect(modeOf(socketPath)).toBe("600");
    await listening;
    expect(modeOf(socketPath)).toBe("600");
    expect(modeOf(path.dirname(socketPath))).toBe("700");
    expect(await hears(socketPath)).toBe("hello");
  });

  test("leaves the umask of kartad as it was", async () => {
    const folder = await folderWith({ before: "" });
    await listenOnSocket(server(), path.join(folder, "k.sock"));
    writeFileSync(path.join(folder, "after"), "");
    expect(modeOf(path.join(folder, "after"))).toBe(modeOf(path.join(folder, "before")));
  });

  test("closes a folder that is older than kartad and holds nothing else", async () => {
    const folder = path.join(await folderWith(), "run");
    mkdirSync(folder, { mode: 0o755 });
    await prepareSocket(path.join(folder, "k.sock"));
    expect(modeOf(folder)).toBe("700");
  });

  test("leaves a folder that others live in as it is: KARTA_SOCKET may name /tmp", async () => {
    const folder = await folderWith({ "somebody-elses.txt": "x" });
    chmodSync(folder, 0o1777);
    const socketPath = path.join(folder, "k.sock");
    await prepareSocket(socketPath);
    await listenOnSocket(server(), socketPath);
    expect(modeOf(folder)).toBe("1777");
    expect(modeOf(socketPath)).toBe("600");
  });

  test("that a dead kartad left is replaced", async () => {
    const folder = await folderWith();
    const socketPath = path.join(folder, "k.sock");
    const dead = server();
    await listenOnSocket(dead, path.join(folder, "old.sock"));
    renameSync(path.join(folder, "old.sock"), socketPath); // so that closing does not remove it
    servers.splice(0);
    dead.close();
    await once(dead, "close");
    expect(existsSync(socketPath)).toBe(true);
    await prepareSocket(socketPath);
    await listenOnSocket(server(), socketPath);
    expect(await hears(socketPath)).toBe("hello");
  });

  test("that answers is refused and goes on answering", async () => {
    const socketPath = path.join(await folderWith(), "k.sock");
    await listenOnSocket(server(), socketPath);
    await expect(prepareSocket(socketPath)).rejects.toThrow(SocketLiveError);
    expect(await hears(socketPath)).toBe("hello");
  });

  test("is never made in place of a regular file or a folder", async () => {
    const folder = await folderWith();
    const file = path.join(folder, "k.sock");
    writeFileSync(file, "my notes");
    await expect(prepareSocket(file)).rejects.toThrow(NotASocketError);
    expect(readFileSync(file, "utf8")).toBe("my notes");
    mkdirSync(path.join(folder, "d.sock"));
    await expect(prepareSocket(path.join(folder, "d.sock"))).rejects.toThrow(NotASocketError);
  });
});
