/** Finds the interpreter for Python apps: `python3`, else `python`, of at least 3.9, on the daemon's PATH. */
import { z } from "zod";
import { describeExit } from "../process/process.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import { lastLine, runBounded } from "./bounded-run.ts";
import { jsonOrNull } from "./json-or-null.ts";

export interface Python {
  /** Absolute: a version manager's shim is resolved once, since it may need the operator's own HOME. */
  readonly executable: string;
  /** Where `pip install --user` puts things for the operator; apps run with another HOME and would not look there. */
  readonly userBase: string | null;
}

export type FoundPython =
  | { readonly kind: "found"; readonly python: Python }
  /** One sentence for each program tried. */
  | { readonly kind: "missing"; readonly tried: readonly string[] };

const CANDIDATES = ["python3", "python"] as const;
const OLDEST_MINOR = 9;
const PROBE_MS = 10_000;

// Runs on any Python that could be found, 2.7 included.
const PROBE = `
import json, sys
try:
    import site
    base = site.getuserbase()
except Exception:
    base = None
print(json.dumps({"version": list(sys.version_info[:3]), "executable": sys.executable, "user_base": base}))
`;
const ProbeSchema = z.object({
  version: z.tuple([z.int(), z.int(), z.int()]),
  executable: z.string().min(1),
  user_base: z.string().nullable(),
});

/** Asks each candidate for its version. `env` must hold the PATH to search. */
export async function findPython(options: {
  readonly spawner: Pick<ProcessSpawner, "spawn">;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}): Promise<FoundPython> {
  const tried: string[] = [];
  for (const command of CANDIDATES) {
    // -S -E would be quicker, but then a virtual environment's site is not seen. -B: no bytecode next to sources.
    const child = options.spawner.spawn({
      purpose: "entry-point",
      command,
      args: ["-B", "-c", PROBE],
      cwd: options.cwd,
      env: options.env,
    });
    const run = await runBounded(child, { timeoutMs: PROBE_MS, tailBytes: 8192 });
    if (run.exit.kind === "not_started") {
      tried.push(
        run.exit.code === "ENOENT" ? `${command} is not on the PATH` : `${command} ${describeExit(run.exit)}`,
      );
      continue;
    }
    const answer = ProbeSchema.safeParse(jsonOrNull(lastLine(run.stdout) ?? ""));
    if (!answer.success) {
      tried.push(`${command} ${describeExit(run.exit)}${complaint(run.stderr)}`);
      continue;
    }
    const { version, executable, user_base: userBase } = answer.data;
    const [major, minor] = version;
    if (major === 3 && minor >= OLDEST_MINOR) return { kind: "found", python: { executable, userBase } };
    tried.push(`${command} is Python ${version.join(".")}`);
  }
  return { kind: "missing", tried };
}

function complaint(stderr: string): string {
  const line = lastLine(stderr);
  return line === null ? "" : `: ${line}`;
}
