/**
 * The control socket's life: a folder only the owner can enter, a stale socket replaced only if dead, mode 0600. Whoever
 * passes these is the operator, so nothing here is taken on trust: not the folder, nor a link, nor another user's socket.
 */
import { chmod, lstat, mkdir, readdir, rm } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { requireLastingFolder, requireOwnFolder } from "../ownership.ts";

/** Another daemon answers on the socket. */
export class SocketLiveError extends Error {
  override readonly name = "SocketLiveError";

  constructor(socketPath: string) {
    super(
      `another kartad answers on ${socketPath}; stop it with \`karta stop\`, or set KARTA_SOCKET to another path`,
    );
  }
}

/** What stands at the socket's path is not a socket: it is left alone. */
export class NotASocketError extends Error {
  override readonly name = "NotASocketError";

  constructor(socketPath: string) {
    super(`${socketPath} exists and is not a socket; remove it, or set KARTA_SOCKET to another path`);
  }
}

/** Another user's socket stands at the path, dead or alive. */
export class ForeignSocketError extends Error {
  override readonly name = "ForeignSocketError";

  constructor(socketPath: string, uid: number) {
    super(
      `${socketPath} belongs to another user (${uid}); remove it, or set KARTA_SOCKET to a path in a folder of your own`,
    );
  }
}

/** What names the folder, in errors. */
const SETTING = "KARTA_SOCKET";

/**
 * Makes the path free for listening.
 * @throws SocketLiveError, NotASocketError, ForeignSocketError, UnsafeFolderError, or the file system's own error for a
 *   folder that cannot be written
 */
export async function prepareSocket(socketPath: string): Promise<void> {
  await mkdir(path.dirname(socketPath), { recursive: true, mode: 0o700 });
  await closeFolder(socketPath);
  const found = await lstat(socketPath).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) throw new NotASocketError(socketPath);
  if (found.uid !== (process.getuid?.() ?? found.uid)) throw new ForeignSocketError(socketPath, found.uid);
  if (await answers(socketPath)) throw new SocketLiveError(socketPath);
  await rm(socketPath, { force: true });
}

/**
 * The folder may be older than kartad; one that others live in is not ours to close: KARTA_SOCKET may name /tmp.
 * @throws UnsafeFolderError for another user's folder, and for one in which others could replace the socket
 */
export async function closeFolder(socketPath: string): Promise<void> {
  const folder = path.dirname(socketPath);
  const { uid } = requireOwnFolder(folder, SETTING);
  const others = (await readdir(folder)).filter((name) => name !== path.basename(socketPath));
  if (others.length === 0 && uid === (process.getuid?.() ?? uid)) await chmod(folder, 0o700);
  else requireLastingFolder(folder, SETTING);
}

/** Listens, for the owner alone: from its first moment, whoever may enter the folder. */
export async function listenOnSocket(server: net.Server, socketPath: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    const umask = process.umask(0o177); // `listen` makes the socket before it returns
    server.listen(socketPath, () => {
      server.off("error", reject);
      resolve();
    });
    process.umask(umask);
  });
  await chmod(socketPath, 0o600);
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(socketPath);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    // Anything else (a full backlog, say) may be a kartad that is only busy.
    probe.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
