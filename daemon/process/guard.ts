/**
 * The guard: one tiny shell beside kartad that knows the process groups alive now. It reads them from a pipe that only
 * kartad holds; when kartad dies, however it dies, the pipe ends and the guard kills what is left. Closing a child's
 * stdin is not enough (notes: harnesses, "Orphans are real"), and a parent-death signal reaches the leader alone.
 * What has left its group carries kartad's mark (marks.ts), and is found by it where there is a /proc.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { INSTANCE_VARIABLE } from "./marks.ts";

// `read` returns false at the end of the pipe. Signals are ignored so that a Ctrl-C or a group kill meant for kartad
// does not take the guard first. Only digits are ever accepted as a group.
const SCRIPT = `
trap '' INT TERM HUP QUIT
mark=$1
shift
groups=" $* "
while read -r op group; do
  case $group in ''|*[!0-9]*) continue ;; esac
  case $op in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
for pass in 1 2 3 4 5; do
  found=$(grep -lsF -- "$mark" /proc/[0-9]*/environ)
  [ -n "$found" ] || exit 0
  for file in $found; do
    pid=\${file#/proc/}
    kill -s KILL "\${pid%/environ}" 2>/dev/null
  done
done
exit 0
`;

export interface GuardOptions {
  /** What every child's `KARTA_INSTANCE` says. */
  readonly instance: string;
  /** Called when the guard itself died and was started again. */
  readonly onRestart?: () => void;
}

/** Owner: `ProcessSpawner`. Freed by `close()`, or by kartad's death. */
export class Guard {
  readonly #mark: string;
  readonly #groups = new Set<number>();
  readonly #onRestart: () => void;
  #shell: ChildProcess | null = null;
  #closed = false;

  constructor(options: GuardOptions) {
    this.#mark = `${INSTANCE_VARIABLE}=${options.instance}`;
    this.#onRestart = options.onRestart ?? (() => undefined);
  }

  /** From now on the group dies with kartad. */
  add(groupId: number): void {
    this.#groups.add(groupId);
    if (this.#shell === null) this.#start();
    else this.#shell.stdin?.write(`+ ${groupId}\n`);
  }

  /** The group is known to be empty; its number may be given to somebody else. */
  remove(groupId: number): void {
    if (this.#groups.delete(groupId)) this.#shell?.stdin?.write(`- ${groupId}\n`);
  }

  /** Ends the guard; it kills whatever is still listed. */
  close(): void {
    this.#closed = true;
    this.#shell?.stdin?.end();
  }

  #start(): void {
    // What is alive already is in its arguments: kartad may die before it has written a word to the pipe.
    const args = ["-c", SCRIPT, "karta-guard", this.#mark, ...[...this.#groups].map(String)];
    const shell = spawn("/bin/sh", args, {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true, // its own session: the terminal's Ctrl-C does not reach it
      env: { PATH: "/usr/bin:/bin" },
      cwd: "/",
    });
    shell.unref();
    shell.stdin.on("error", () => undefined); // EPIPE: the exit handler below deals with it
    // It could not be started (the system is out of processes): the next child tries again.
    shell.once("error", () => {
      if (this.#shell === shell) this.#shell = null;
    });
    shell.once("exit", () => {
      this.#shell = null;
      if (this.#closed || this.#groups.size === 0) return;
      this.#onRestart();
      this.#start();
    });
    this.#shell = shell;
  }
}
