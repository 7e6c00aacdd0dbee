/**
 * Sockets that a service manager opened before kartad was there (sd_listen_fds(3)): connections wait in them while kartad
 * starts or restarts. Each is known by its name, `http` or `control`, and is what kartad would have opened itself, or the
 * start is refused: a socket is never taken on trust.
 */
import { fstatSync, readFileSync, statSync } from "node:fs";
import type { AddressInfo, Server } from "node:net";

/** What was handed over cannot be used. `message` is one line that says what to change. */
export class InheritedSocketError extends Error {
  override readonly name = "InheritedSocketError";
}

/** File descriptors; null: kartad opens its own. */
export interface InheritedSockets {
  readonly http: number | null;
  readonly control: number | null;
}

const NO_SOCKETS: InheritedSockets = { http: null, control: null };

/** After standard input, output and error. */
const FIRST_FD = 3;

/**
 * Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. Variables that are meant for another process are no concern of ours.
 * @throws InheritedSocketError for anything but at most one socket `http` and one `control`
 */
export function inheritedSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): InheritedSockets {
  if (env.LISTEN_FDS === undefined || env.LISTEN_PID !== String(pid)) return NO_SOCKETS;
  if (!/^\d{1,3}$/.test(env.LISTEN_FDS))
    throw new InheritedSocketError(`LISTEN_FDS: expected a number, found "${env.LISTEN_FDS}"`);
  const names = env.LISTEN_FDNAMES === undefined ? [] : env.LISTEN_FDNAMES.split(":");
  const found = new Map<string, number>();
  for (let place = 0; place < Number(env.LISTEN_FDS); place += 1) {
    const name = names[place] ?? "";
    if (name !== "http" && name !== "control")
      throw new InheritedSocketError(
        `LISTEN_FDNAMES: expected http or control, found "${name}"; set FileDescriptorName= in the socket unit`,
      );
    if (found.has(name)) throw new InheritedSocketError(`two sockets named ${name} were handed over`);
    requireSocket(FIRST_FD + place, name);
    found.set(name, FIRST_FD + place);
  }
  return { http: found.get("http") ?? null, control: found.get("control") ?? null };
}

function requireSocket(fd: number, name: string): void {
  try {
    if (fstatSync(fd).isSocket()) return;
  } catch {
    // not open at all
  }
  throw new InheritedSocketError(`the descriptor ${fd} that was handed over as ${name} is not a socket`);
}

/**
 * Serves HTTP on a socket that was handed over.
 * @param expected whether kartad's settings say loopback: all that guards requests was built for that
 * @returns where it listens
 * @throws InheritedSocketError before a connection was looked at
 */
export async function adoptHttpSocket(
  server: Server,
  fd: number,
  expected: { readonly host: string; readonly isLoopback: (host: string) => boolean },
): Promise<{ host: string; port: number }> {
  const address = await adopt(server, fd, "http");
  if (typeof address === "string" || address === null)
    throw new InheritedSocketError(
      "the socket http is a Unix socket; give ListenStream= an address and a port",
    );
  if (expected.isLoopback(address.address) !== expected.isLoopback(expected.host))
    throw new InheritedSocketError(
      `the socket http listens on ${address.address}, and kartad is set to ${expected.host}; set KARTA_HOST to the socket's address`,
    );
  return { host: address.address, port: address.port };
}

/** Serves the control plane on a socket that was handed over. @throws InheritedSocketError before it is listened on */
export async function adoptControlSocket(server: Server, fd: number, socketPath: string): Promise<void> {
  const bound = pathOf(fd);
  if (bound !== socketPath)
    throw new InheritedSocketError(
      `the socket control is ${bound ?? "no Unix socket that listens"}, and kartad is set to ${socketPath}; set KARTA_SOCKET to the path in ListenStream=`,
    );
  const { mode, uid } = statSync(socketPath);
  if ((mode & 0o077) !== 0 || uid !== process.getuid?.())
    throw new InheritedSocketError(
      `${socketPath} is open to others than the user of kartad; set SocketMode=0600 and SocketUser= in its unit`,
    );
  await adopt(server, fd, "control");
}

/** `Num RefCount Protocol Flags Type St Inode Path` of a stream socket that listens (proc_net_unix(5): __SO_ACCEPTCON). */
const LISTENING = /^\S+ \S+ \S+ 00010000 0001 \S+ +(\d+) (\/.*)$/;

/** Where a Unix socket was bound. Node has no name for one that it did not bind itself, so Linux is asked; null: not one. */
function pathOf(fd: number): string | null {
  const { ino } = fstatSync(fd);
  for (const line of readFileSync("/proc/self/net/unix", "utf8").split("\n")) {
    const [, inode, bound] = LISTENING.exec(line) ?? [];
    if (inode === String(ino)) return bound ?? null;
  }
  return null;
}

/** Resolves before the first connection is taken: those come in a later turn of the event loop. */
async function adopt(server: Server, fd: number, name: string): Promise<AddressInfo | string | null> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ fd }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InheritedSocketError(
      `the socket that was handed over as ${name} cannot be listened on: ${reason}`,
    );
  }
  return server.address();
}
