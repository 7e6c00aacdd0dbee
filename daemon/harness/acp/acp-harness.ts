/** The `acp` harness: any agent that speaks the Agent Client Protocol over stdio, the known ones by a preset. */
import type { Logger } from "pino";
import type { ProcessSpawner } from "../../process/spawner.ts";
import type {
  AgentProcess,
  Availability,
  Harness,
  HarnessBinary,
  ProgramOwner,
  StartRequest,
  Transcript,
  TranscriptRequest,
} from "../harness.ts";
import type { AgentOffer, AgentStarter } from "./agent-starter.ts";
import type { KeptPlaces } from "../kept-places.ts";
import type { ToolGateway } from "../tool-gateway.ts";

import { describeAccess } from "./environment.ts";
import { PRESETS, type AcpType, type Preset } from "./presets.ts";
import type { ProgramProbe } from "./probe.ts";
import { findProgram, type FoundProgram } from "./program.ts";

export interface AcpOptions {
  /** The daemon's own environment. */
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** Karta's own, for generated configuration and for asking a program what it is. */
  readonly folder: string;
  /** The offline model's address for a project; null when kartad is not offline. */
  readonly offlineBaseUrl: ((project: string) => string) | null;
  readonly spawner: ProcessSpawner;
  /** Where agents find the app's own tools. */
  readonly tools: ToolGateway;
  /** What no tool may touch. */
  readonly kept: KeptPlaces;
  readonly logger: Logger;
  /** Frees what agents print of secrets; left out: of what looks like one. */
  readonly mask?: (text: string) => string;
  /** How long the turns of others have on a process that has to be ended; 30 s when left out. */
  readonly matesGraceMs?: number;
  /** How long an agent may take to be ready; a minute when left out. */
  readonly readyTimeoutMs?: number;
}

export class AcpHarness implements Harness {
  readonly type: AcpType;
  readonly #preset: Preset;
  readonly #options: AcpOptions;
  readonly #log: Logger;
  #starter: Promise<AgentStarter> | null = null;
  #probe: Promise<ProgramProbe> | null = null;
  /** By project: what its agent was seen to offer. */
  readonly #offers = new Map<string, AgentOffer>();

  constructor(type: AcpType, options: AcpOptions) {
    this.type = type;
    this.#preset = PRESETS[type];
    this.#options = options;
    this.#log = options.logger.child({ part: type });
  }

  availability(): Availability {
    const { offlineBaseUrl, daemonEnv } = this.#options;
    const { title, offline, commands } = this.#preset;
    if (commands.length > 0) {
      const found = this.#find(null, null);
      if (found.kind === "missing") return { kind: "unavailable", detail: found.detail };
    }
    if (offlineBaseUrl === null)
      return {
        kind: "available",
        credential: describeAccess(this.#preset, daemonEnv),
      };
    if (offline !== null) return { kind: "available", credential: "offline model: scripted replies" };
    return {
      kind: "unavailable",
      detail: `${title} speaks no model API that the offline model has; start kartad without --offline to run it`,
    };
  }

  async binary(project: ProgramOwner | null): Promise<HarnessBinary> {
    const found = this.#find(project?.command ?? null, project?.folder ?? null);
    if (found.kind === "missing") return found;
    this.#probe ??= this.#loadProbe();
    return (await this.#probe).ask(found.program, project?.sandbox ? project.folder : null);
  }

  ownAgents(project: string): readonly string[] {
    return this.#offers.get(project)?.agents ?? [];
  }

  takesImages(project: string): boolean | null {
    return this.#offers.get(project)?.takesImages ?? null;
  }

  async transcript(request: TranscriptRequest): Promise<Transcript> {
    this.#starter ??= this.#loadStarter();
    return (await this.#starter).transcript(request);
  }

  async start(request: StartRequest): Promise<AgentProcess> {
    this.#starter ??= this.#loadStarter();
    return (await this.#starter).start(request);
  }

  #find(command: readonly string[] | null, cwd: string | null): FoundProgram {
    return findProgram({
      preset: this.#preset,
      command: this.#preset.commands.length > 0 ? null : command,
      cwd,
      searchPath: this.#options.daemonEnv.PATH ?? "",
    });
  }

  async #loadProbe(): Promise<ProgramProbe> {
    const { ProgramProbe: Probe } = await import("./probe.ts");
    return new Probe({ ...this.#options, preset: this.#preset, logger: this.#log });
  }

  /** The protocol's SDK is 80 ms and 9 MB that a kartad without such agents does without. */
  async #loadStarter(): Promise<AgentStarter> {
    const { AgentStarter: Starter } = await import("./agent-starter.ts");
    return new Starter({
      ...this.#options,
      logger: this.#log,
      preset: this.#preset,
      find: ({ command, cwd }) => this.#find(command, cwd),
      onOpened: (project, offer) => this.#offers.set(project, offer),
    });
  }
}
