/** The control socket's life: a folder only the owner can enter, a stale socket replaced only if dead, mode 0600. */
import { chmod, mkdir, readdir, rm, stat } from "node:fs/promises";
import net from "node:net";
import path from "node:path";

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

/**
 * Makes the path free for listening.
 * @throws SocketLiveError, NotASocketError, or the file system's own error for a folder that cannot be written
 */
export async function prepareSocket(socketPath: string): Promise<void> {
  await mkdir(path.dirname(socketPath), { recursive: true, mode: 0o700 });
  await closeFolder(socketPath);
  const found = await stat(socketPath).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) throw new NotASocketError(socketPath);
  if (await answers(socketPath)) throw new SocketLiveError(socketPath);
  await rm(socketPath, { force: true });
}

/** The folder may be older than kartad; one that others live in is not ours to close: KARTA_SOCKET may name /tmp. */
export async function closeFolder(socketPath: string): Promise<void> {
  const folder = path.dirname(socketPath);
  const others = (await readdir(folder)).filter((name) => name !== path.basename(socketPath));
  if (others.length === 0) await chmod(folder, 0o700);
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
