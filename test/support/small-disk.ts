/**
 * A small disk that a test can fill: a tmpfs. Root mounts it where everybody sees it. Anyone else mounts it in a mount
 * namespace of its own, which programs enter by `enter`. A shell holds it for as long as this process lives and takes it
 * away however that ends, so that no mount outlives a test that failed or was killed.
 */
import { closeSync, mkdtempSync, openSync, realpathSync, rmdirSync, rmSync, writeSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { systemErrorCode } from "../../shared/errors.ts";

export interface SmallDisk {
  /** The disk as programs see it that were started with `enter`. */
  readonly folder: string;
  /** The same folder for this process. SQLite cannot open files by this path (it follows links): copy them first. */
  readonly seen: string;
  /** What stands before a program's own command, so that it sees the disk; empty for root. */
  readonly enter: readonly string[];
  /** Leaves not a page of it. What a program has reserved before (a write-ahead log that begins anew) it can still write. */
  fill(): void;
  /** Gives back what `fill` took. */
  free(): void;
  /** Unmounts it, also while files on it are open. */
  remove(): Promise<void>;
}

/** Ignores Ctrl-C: it ends by the end of its input. */
const HOLD = `
trap '' INT TERM HUP
mount -t tmpfs -o "size=$2,mode=0700" karta-test "$1" || exit 1
echo mounted
cat >/dev/null
umount -l "$1" && rmdir "$1"
`;

/**
 * @param megabytes its size
 * @returns why this machine cannot have one (not Linux, no right to mount), where it cannot
 */
export async function smallDisk(megabytes: number): Promise<SmallDisk | { readonly unavailable: string }> {
  const place = realpathSync(mkdtempSync(path.join(os.tmpdir(), "karta-disk-")));
  const hold = ["sh", "-c", HOLD, "small-disk", place, `${megabytes}m`] as const;
  const reasons: string[] = [];
  for (const own of [false, true]) {
    const [command, ...args] = own
      ? (["unshare", "--user", "--map-root-user", "--mount", ...hold] as const)
      : hold;
    const holder = execa(command, args, { reject: false, stdin: "pipe" });
    const mounted = await Promise.race([
      new Promise<true>((resolve) => holder.stdout.once("data", () => resolve(true))),
      holder.then(({ stderr, shortMessage }) =>
        stderr === "" ? (shortMessage ?? "no reason given") : stderr,
      ),
    ]);
    if (mounted !== true) {
      reasons.push(mounted.trim());
      continue;
    }
    const pid = String(holder.pid);
    const seen = own ? path.join("/proc", pid, "root", place) : place;
    const filler = path.join(seen, "filler");
    return {
      folder: place,
      seen,
      enter: own ? ["nsenter", "--preserve-credentials", "--user", "--mount", "--target", pid, "--"] : [],
      fill: () => fill(filler),
      free: () => rmSync(filler, { force: true }),
      remove: async () => {
        holder.stdin.end();
        await holder;
      },
    };
  }
  rmdirSync(place);
  return { unavailable: `no small disk can be mounted here: ${reasons.join("; ")}` };
}

/** Writes until nothing more fits, in ever smaller pieces. */
function fill(file: string): void {
  const descriptor = openSync(file, "a");
  try {
    for (let size = 1024 * 1024; size >= 1; size /= 4) {
      const piece = Buffer.alloc(size, 1);
      while (writesAll(descriptor, piece));
    }
  } finally {
    closeSync(descriptor);
  }
}

function writesAll(descriptor: number, piece: Buffer): boolean {
  try {
    return writeSync(descriptor, piece) === piece.length;
  } catch (error) {
    if (systemErrorCode(error) === "ENOSPC") return false;
    throw error;
  }
}
