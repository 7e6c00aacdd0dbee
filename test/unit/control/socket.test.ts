import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import {
  ForeignSocketError,
  listenOnSocket,
  NotASocketError,
  prepareSocket,
  SocketLiveError,
} from "../../../daemon/control/socket.ts";
import { UnsafeFolderError } from "../../../daemon/ownership.ts";
import { noOtherUser, OTHER_UID } from "../../support/second-user.ts";
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

describe("a folder in which others could put a socket of theirs in kartad's place", () => {
  test("is refused when it is not empty: it is somebody's, and not ours to close", async () => {
    const folder = await folderWith({ "somebody-elses.txt": "x" });
    for (const mode of [0o777, 0o775, 0o757]) {
      chmodSync(folder, mode);
      await expect(prepareSocket(path.join(folder, "k.sock"))).rejects.toThrow(UnsafeFolderError);
      expect(statSync(folder).mode & 0o777).toBe(mode);
    }
    chmodSync(folder, 0o755); // they may look, and cannot change anything
    await prepareSocket(path.join(folder, "k.sock"));
  });

  test("is closed when it holds nothing else, also one that a link of ours leads to", async () => {
    const folder = await folderWith();
    const real = path.join(folder, "real");
    mkdirSync(real);
    chmodSync(real, 0o777);
    symlinkSync(real, path.join(folder, "run"));
    const socketPath = path.join(folder, "run", "k.sock");
    await prepareSocket(socketPath);
    await listenOnSocket(server(), socketPath);
    expect(modeOf(real)).toBe("700");
    expect(await hears(socketPath)).toBe("hello");
  });

  test("is refused where the socket is a link, which is left alone", async () => {
    const folder = await folderWith();
    await listenOnSocket(server(), path.join(folder, "real.sock"));
    const link = path.join(folder, "k.sock");
    symlinkSync("real.sock", link);
    await expect(prepareSocket(link)).rejects.toThrow(NotASocketError);
    expect(await hears(link)).toBe("hello");
  });
});

if (noOtherUser !== null) process.stderr.write(`skipped: what another user owns: ${noOtherUser}\n`);
(noOtherUser === null ? describe : describe.skip)("what another user owns", () => {
  test("is no folder for a socket, empty or not, by itself or through a link of theirs", async () => {
    const folder = await folderWith();
    const theirs = path.join(folder, "theirs");
    mkdirSync(theirs);
    chownSync(theirs, OTHER_UID, OTHER_UID);
    const words = /belongs to another user \(65534\).*KARTA_SOCKET/;
    await expect(prepareSocket(path.join(theirs, "k.sock"))).rejects.toThrow(words);
    mkdirSync(path.join(folder, "ours"));
    symlinkSync("ours", path.join(folder, "link"));
    await prepareSocket(path.join(folder, "link", "k.sock"));
    lchownSync(path.join(folder, "link"), OTHER_UID, OTHER_UID);
    await expect(prepareSocket(path.join(folder, "link", "k.sock"))).rejects.toThrow(UnsafeFolderError);
  });

  test("is no socket of a kartad of ours: one that waits at its path in /tmp is not asked, nor replaced", async () => {
    const folder = await folderWith({ "somebody-elses.txt": "x" });
    chmodSync(folder, 0o1777);
    const socketPath = path.join(folder, "k.sock");
    await listenOnSocket(server(), socketPath);
    chownSync(socketPath, OTHER_UID, OTHER_UID);
    await expect(prepareSocket(socketPath)).rejects.toThrow(ForeignSocketError);
    expect(await hears(socketPath)).toBe("hello");
  });
});
