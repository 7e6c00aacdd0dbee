/** Asks a program what it is: a short start, the handshake, and its end. Once for each program as it stands on the disk. */
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Logger } from "pino";
import { ownPlaces } from "../../process/sandbox.ts";
import type { ProcessSpawner } from "../../process/spawner.ts";
import type { HarnessBinary } from "../harness.ts";
import { AgentConnection } from "./connection.ts";
import { probeEnvironment } from "./environment.ts";
import type { Preset } from "./presets.ts";
import type { Program } from "./program.ts";
import { messageOf } from "./turn-end.ts";

const TIMEOUT_MS = 20_000;

export interface ProbeOptions {
  readonly preset: Preset;
  /** The offline model's address for a project; null when kartad is not offline. */
  readonly offlineBaseUrl: ((project: string) => string) | null;
  readonly spawner: ProcessSpawner;
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** Karta's own: the program's HOME and folder while it is asked. */
  readonly folder: string;
  readonly logger: Logger;
  readonly mask?: (text: string) => string;
  readonly readyTimeoutMs?: number;
}

/** Owner: the harness. */
export class ProgramProbe {
  readonly #options: ProbeOptions;
  readonly #asked = new Map<string, Promise<HarnessBinary>>();

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** @param sandboxed the project's folder, where it runs in a sandbox; null: it does not */
  async ask(program: Program, sandboxed: string | null): Promise<HarnessBinary> {
    const { mtimeMs, size } = await stat(program.path);
    const key = JSON.stringify([program, mtimeMs, size, sandboxed]);
    let answer = this.#asked.get(key);
    if (answer === undefined) {
      answer = this.#shakeHands(program, sandboxed);
      this.#asked.set(key, answer);
    }
    const binary = await answer;
    if (binary.kind === "missing") this.#asked.delete(key); // it may be mended without a change of its file
    return binary;
  }

  async #shakeHands(program: Program, sandboxed: string | null): Promise<HarnessBinary> {
    const { preset, spawner, daemonEnv, offlineBaseUrl, folder, logger, readyTimeoutMs } = this.#options;
    const home = path.join(folder, "probe");
    await mkdir(home, { recursive: true, mode: 0o700 });
    const process = spawner.spawn({
      purpose: "harness",
      command: program.path,
      args: program.args,
      cwd: home,
      env: probeEnvironment({ preset, daemonEnv, offlineBaseUrl: offlineBaseUrl?.("probe") ?? null }, home),
      tempVariables: ["TMPDIR"],
      sandbox:
        sandboxed === null
          ? undefined
          : [...ownPlaces({ cwd: home, home }), { path: sandboxed, access: "read" }],
    });
    const connection = new AgentConnection({ process, cwd: home, logger, mask: this.#options.mask });
    try {
      const traits = await connection.initialize(AbortSignal.timeout(readyTimeoutMs ?? TIMEOUT_MS));
      return {
        kind: "found",
        path: program.path,
        version: traits.version ?? "unknown",
        protocol: `ACP ${traits.protocolVersion}`,
      };
    } catch (error) {
      const words = (await connection.lastWords()) ?? messageOf(error);
      return {
        kind: "missing",
        detail: `${[program.path, ...program.args].join(" ")} does not answer in the Agent Client Protocol: ${words}`,
      };
    } finally {
      await connection.stop(0);
    }
  }
}
