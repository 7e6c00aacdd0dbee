/** kartad's part of `karta doctor`: programs of harnesses, credentials, disk, address. The running daemon answers it, or one that only looks. */
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import path from "node:path";
import { pino } from "pino";
import type { DoctorCheck, DoctorReport } from "../shared/protocol/doctor.ts";
import { HARNESS_TYPES, type HarnessType } from "../shared/protocol/projects.ts";
import { makeSandbox } from "./confinement.ts";
import { isLoopback, type Config } from "./config.ts";
import { configuredHarnesses } from "./configured-harnesses.ts";
import type { Harness } from "./harness/harness.ts";
import type { HarnessRegistry } from "./harness/registry.ts";
import { ToolGateway } from "./harness/tool-gateway.ts";
import { createHttpServer, listenOnPort, PortTakenError } from "./http/listen.ts";
import { keyCheck } from "./key-check.ts";
import { Secrets } from "./log/secrets.ts";
import type { Sandbox } from "./process/sandbox.ts";
import { ProcessSpawner } from "./process/spawner.ts";
import { problemsOf } from "./store/corruption.ts";
import { storeFile } from "./store/files.ts";

/** Less, and an event log of a busy day may not fit. */
const LOW_DISK_BYTES = 1024 ** 3;

export interface DoctorSources {
  readonly config: Config;
  readonly harnesses: HarnessRegistry;
  readonly sandbox: Sandbox;
  /** Harnesses that a registered project runs on; null: not known, since kartad is not running. */
  readonly used: ReadonlySet<HarnessType> | null;
  /** A registered project wants one; or kartad.toml, for all. */
  readonly isSandboxUsed: boolean;
  /** Where the running kartad listens; null: none runs. */
  readonly url: string | null;
}

/** Looks at everything at once. Never rejects: what can't be looked at is a check that says so. */
export async function doctorReport(sources: DoctorSources): Promise<DoctorReport> {
  const { config, harnesses, used } = sources;
  // Any agent that a project names itself: `karta project check` looks at that one.
  const types = HARNESS_TYPES.filter((type) => type !== "acp");
  const checks = await Promise.all([
    ...types.map((type) => programCheck(harnesses[type], used?.has(type) ?? false)),
    storeCheck(config.stateHome),
    diskCheck(config.stateHome),
    sandboxCheck(sources),
    addressCheck(sources),
  ]);
  const found = types.filter((_, index) => checks[index]?.state === "ok");
  const none: DoctorCheck[] =
    found.length > 0
      ? []
      : [
          {
            name: "harnesses",
            state: "problem",
            found: "none of the programs that can run a project",
            fix: "install one of them: each line above says how",
          },
        ];
  const keys = keyCheck(config, Date.now());
  return {
    checks: [...checks, keys, ...none, ...found.map((type) => credentialCheck(harnesses[type], sources))],
  };
}

async function programCheck(harness: Harness, isUsed: boolean): Promise<DoctorCheck> {
  const binary = await harness.binary(null);
  if (binary.kind === "found") {
    const found = `${binary.version} at ${binary.path}, ${binary.protocol}`;
    return { name: harness.type, state: "ok", found, fix: null };
  }
  return {
    name: harness.type,
    state: isUsed ? "problem" : "note",
    found: isUsed ? "missing or not in order, and a project needs it" : "missing or not in order",
    fix: binary.detail,
  };
}

function credentialCheck(harness: Harness, { config, used }: DoctorSources): DoctorCheck {
  const name = `${harness.type} model`;
  const availability = harness.availability();
  if (availability.kind === "unavailable") {
    const isWanted = used === null || used.has(harness.type);
    const state = isWanted && !config.offline ? "problem" : "note";
    return { name, state, found: "no access", fix: availability.detail };
  }
  if (availability.credential !== null)
    return { name, state: "ok", found: availability.credential, fix: null };
  return {
    name,
    state: "note",
    found: "no key was found in the environment",
    fix: "start kartad with a key of the model's provider, if the project's own configuration does not name one",
  };
}

/** Reads every page of the store. */
async function storeCheck(stateHome: string): Promise<DoctorCheck> {
  const name = "store";
  const file = storeFile(stateHome);
  if (!existsSync(file))
    return { name, state: "note", found: `none yet at ${file}; the first start makes it`, fix: null };
  const [problem] = await problemsOf(file);
  if (problem === undefined) return { name, state: "ok", found: `${file} is whole`, fix: null };
  return {
    name,
    state: "problem",
    found: `${file} is damaged: ${problem}`,
    fix: "stop kartad; then `karta restore FILE` puts a backup in its place, or `karta doctor --repair` sets it aside",
  };
}

async function diskCheck(stateHome: string): Promise<DoctorCheck> {
  const name = "disk";
  // The folder itself may not be there before the first start.
  for (let folder = stateHome; ; folder = path.dirname(folder)) {
    const space = await statfs(folder).catch(() => null);
    if (space === null && folder !== path.dirname(folder)) continue;
    if (space === null)
      return { name, state: "note", found: `${stateHome} could not be looked at`, fix: null };
    const free = space.bavail * space.bsize;
    const found = `${(free / 1024 ** 3).toFixed(1)} GiB free for ${stateHome}`;
    return free < LOW_DISK_BYTES
      ? { name, state: "problem", found, fix: "make room, or set KARTA_HOME to another disk" }
      : { name, state: "ok", found, fix: null };
  }
}

/** Nothing is wrong with a machine that has none, unless it is asked for. */
async function sandboxCheck({ config, sandbox, isSandboxUsed }: DoctorSources): Promise<DoctorCheck> {
  const name = "sandbox";
  const state = await sandbox.probe();
  if (state.kind === "available")
    return { name, state: "ok", found: `bubblewrap ${state.version} at ${state.program}`, fix: null };
  const isWanted = isSandboxUsed || config.sandboxRequired;
  return { name, state: isWanted ? "problem" : "note", found: state.detail, fix: state.fix };
}

async function addressCheck({ config, url }: DoctorSources): Promise<DoctorCheck> {
  const name = "port";
  if (url !== null && isLoopback(config.host))
    return { name, state: "ok", found: `kartad listens on ${url}`, fix: null };
  if (url !== null)
    return {
      name,
      state: "note",
      found: `kartad listens on ${url}, which others reach, in plain HTTP`,
      fix: "where the network is not yours alone, let a proxy with TLS stand before it, and kartad listen on 127.0.0.1",
    };
  const address = `${config.host}:${config.port}`;
  const server = createHttpServer((_request, response) => response.end());
  try {
    await listenOnPort(server, config.host, config.port);
    server.close();
    return { name, state: "ok", found: `${address} is free`, fix: null };
  } catch (error) {
    const taken = error instanceof PortTakenError;
    return {
      name,
      state: "problem",
      found: taken ? `${address} is in use by another program` : `${address} cannot be bound`,
      fix: "start kartad with --port N, or set port in kartad.toml",
    };
  }
}

/** Looks without running as a daemon: for `karta doctor` when no kartad answers. */
export async function lookOnce(config: Config): Promise<DoctorReport> {
  const logger = pino({ level: "silent" }); // whoever asks has no log to read
  const spawner = new ProcessSpawner({ logger });
  const harnesses = configuredHarnesses({
    config,
    offlineModelUrl: () => "http://127.0.0.1:9",
    spawner,
    tools: new ToolGateway({ logger }),
    logger,
    mask: new Secrets(config.env).mask,
  });
  try {
    const sandbox = makeSandbox(config);
    return await doctorReport({ config, harnesses, sandbox, used: null, isSandboxUsed: false, url: null });
  } finally {
    await spawner.stopAll(0);
  }
}
