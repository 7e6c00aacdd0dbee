/** Settings: flags > environment > `kartad.toml` > defaults. The one place besides main.ts that reads the environment. */
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { issuesFromZod } from "../shared/errors.ts";
import { ServiceSchema, type Service } from "../shared/protocol/control.ts";
import { socketPath, stateHome, type PathsEnvironment } from "../shared/paths.ts";
import { parseToml } from "../shared/toml.ts";
import { DEFAULT_LIMITS, LimitsSchema, type Limits } from "./http/limits.ts";
import { inheritedSockets, type InheritedSockets } from "./socket-activation.ts";

export { isLoopback } from "../shared/loopback.ts";

/** A setting that cannot be used. `message` is one line that names where it came from. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
const LOGS = ["file", "journal"] as const;
const port = z.int().min(0).max(65_535);
/** Digits alone: Number() would take "" for 0, which is any free port, and "0x50" for 80. */
const portText = z.string().regex(/^\d+$/, { error: "expected a port number" }).transform(Number).pipe(port);
const origin = z.url({ protocol: /^https?$/ });

/** What `kartad.toml` may hold; every key optional, unknown keys refused. */
const FileSchema = z.strictObject({
  host: z.string().min(1).optional(),
  port: port.optional(),
  offline: z.boolean().optional(),
  insecure: z.boolean().optional(),
  sandbox: z.enum(["required"], { error: 'expected "required"' }).optional(),
  allowed_origins: z.array(origin).optional(),
  log_level: z.enum(LOG_LEVELS).optional(),
  log: z.enum(LOGS).optional(),
  drain_seconds: z.number().min(0).max(3600).optional(),
  max_processes: z.int().min(1).max(10_000).optional(),
  max_process_mb: z.int().min(1).max(1_048_576).optional(),
  retention_events: z.int().min(1).max(1_000_000_000).optional(),
  retention_days: z.number().min(0).max(36_500).optional(),
  limits: LimitsSchema.optional(),
});

export interface Config {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly offline: boolean;
  /** True: an address other than loopback is meant, without a key. */
  readonly insecure: boolean;
  /** Every project runs in a sandbox, also one that does not say so. */
  readonly sandboxRequired: boolean;
  /** Browser origins that may call the public plane, e.g. `https://shop.example`. */
  readonly allowedOrigins: readonly string[];
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Where the log is kept. `journal`: with whoever collects standard error. */
  readonly log: (typeof LOGS)[number];
  /** Readable lines on standard error besides the log file. */
  readonly foreground: boolean;
  /** How long running turns may go on after the first signal. */
  readonly drainSeconds: number;
  /** Agent processes at once. */
  readonly maxProcesses: number;
  /** An agent process whose group holds more goes after its turn. */
  readonly maxProcessBytes: number;
  /** Events of each session that stay, however old. */
  readonly retentionEvents: number;
  /** Events younger than this stay, however many. */
  readonly retentionDays: number;
  /** What the public plane puts up with. */
  readonly limits: Limits;
  readonly stateHome: string;
  readonly socketPath: string;
  /** What a service manager opened before kartad was there. */
  readonly inherited: InheritedSockets;
  /** What keeps kartad running; null: nobody does. Its unit says so in KARTA_SERVICE. */
  readonly service: Service | null;
  readonly homedir: string;
  /** The environment kartad was started with; harness credentials and `[env]` names are looked up here. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const USAGE = `kartad: the Karta daemon (karta serve, karta start)

  --port N          HTTP port (8000; 0 picks a free one)      KARTA_PORT
  --host ADDRESS    address to bind (127.0.0.1)               KARTA_HOST
  --offline         scripted replies, no model key needed     KARTA_OFFLINE=1
  --insecure        allow an address other than loopback without an API key
  --home DIR        state folder                              KARTA_HOME
  --socket PATH     control socket                            KARTA_SOCKET
  --log-level L     ${LOG_LEVELS.join(", ")} (info)   KARTA_LOG_LEVEL
  --log WHERE       file, or journal: standard error alone      KARTA_LOG
  --quiet           log to the file only
  --doctor          say as JSON what \`karta doctor\` wants to know, and end
  --repair          set a damaged store aside, say as JSON what was done, and end (karta doctor --repair)
  --restore FILE    put a backup in the store's place, and end (karta restore, when no kartad runs)
  --version, --help

Settings may also stand in kartad.toml in the state folder: host, port, offline, insecure, sandbox, allowed_origins,
log, log_level, drain_seconds, max_processes, max_process_mb, retention_events, retention_days, [limits]. Flags win over
the environment, that over the file.
`;

export type Command =
  | { readonly kind: "run"; readonly config: Config }
  /** Look around, tell what was found, and end. */
  | { readonly kind: "doctor"; readonly config: Config }
  /** Set a damaged store aside, and end. */
  | { readonly kind: "repair"; readonly config: Config }
  /** Put a backup in the store's place, and end. */
  | { readonly kind: "restore"; readonly config: Config; readonly file: string }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

const FLAGS = {
  port: { type: "string" },
  host: { type: "string" },
  offline: { type: "boolean" },
  insecure: { type: "boolean" },
  home: { type: "string" },
  socket: { type: "string" },
  log: { type: "string" },
  "log-level": { type: "string" },
  quiet: { type: "boolean" },
  doctor: { type: "boolean" },
  repair: { type: "boolean" },
  restore: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

/** An agent process holds about 170 MB (notes: harnesses); a quarter of the memory is left to everything else. */
const MEMORY_A_PROCESS = 200 * 1024 * 1024;

/** Twelve times what one holds: a leak, not a big conversation. */
const DEFAULT_MAX_PROCESS_MB = 2048;

function defaultMaxProcesses(): number {
  return Math.max(2, Math.min(64, Math.floor((os.totalmem() * 0.75) / MEMORY_A_PROCESS)));
}

/** @throws ConfigError naming the flag, variable or key, what was expected and what was found */
export function readConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const flags = parseFlags(argv);
  if (flags.help) return { kind: "help" };
  if (flags.version) return { kind: "version" };

  const place = {
    env: {
      ...env,
      ...(flags.home === undefined ? {} : { KARTA_HOME: flags.home }),
      ...(flags.socket === undefined ? {} : { KARTA_SOCKET: flags.socket }),
    },
    homedir: os.homedir(),
    platform: process.platform,
  };
  const home = stateHome(place);
  const socket = socketOf(place);
  const file = readFile(path.join(home, "kartad.toml"));
  const chosenHost = setting("host", z.string(), flags.host, "KARTA_HOST", env);
  const chosenPort = setting("port", portText, flags.port, "KARTA_PORT", env);
  const chosenLevel = setting("log-level", z.enum(LOG_LEVELS), flags["log-level"], "KARTA_LOG_LEVEL", env);
  const chosenLog = setting("log", z.enum(LOGS), flags.log, "KARTA_LOG", env);
  const config: Config = {
    host: chosenHost ?? file.host ?? "127.0.0.1",
    port: chosenPort ?? file.port ?? 8000,
    offline: flags.offline ?? boolean("KARTA_OFFLINE", env) ?? file.offline ?? false,
    insecure: flags.insecure ?? file.insecure ?? false,
    sandboxRequired: file.sandbox === "required",
    allowedOrigins: file.allowed_origins ?? [],
    logLevel: chosenLevel ?? file.log_level ?? "info",
    log: chosenLog ?? file.log ?? "file",
    foreground: !(flags.quiet ?? false),
    drainSeconds: file.drain_seconds ?? 30,
    maxProcesses: file.max_processes ?? defaultMaxProcesses(),
    retentionEvents: file.retention_events ?? 10_000,
    retentionDays: file.retention_days ?? 7,
    maxProcessBytes: (file.max_process_mb ?? DEFAULT_MAX_PROCESS_MB) * 1024 * 1024,
    limits: file.limits ?? DEFAULT_LIMITS,
    stateHome: home,
    socketPath: socket,
    inherited: inheritedSockets(env, process.pid),
    service: setting("service", ServiceSchema, undefined, "KARTA_SERVICE", env) ?? null,
    homedir: place.homedir,
    env,
  };
  if (flags.restore !== undefined) return { kind: "restore", config, file: flags.restore };
  if (flags.repair) return { kind: "repair", config };
  return { kind: flags.doctor ? "doctor" : "run", config };
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(
      error instanceof Error ? (error.message.split(". ")[0] ?? error.message) : String(error),
    );
  }
}

function socketOf(place: PathsEnvironment): string {
  try {
    return socketPath(place);
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

function readFile(file: string): z.infer<typeof FileSchema> {
  if (!existsSync(file)) return {};
  const parsed = parseToml(readFileSync(file, "utf8"));
  if (!parsed.ok) throw new ConfigError(`${file}:${parsed.line}: ${parsed.message}`);
  const checked = FileSchema.safeParse(parsed.value);
  if (checked.success) return checked.data;
  const [issue] = issuesFromZod(checked.error);
  throw new ConfigError(`${file}: ${issue?.path ? `${issue.path}: ` : ""}${issue?.message ?? "not valid"}`);
}

/** A flag, or else a variable, checked; undefined when neither is given. */
function setting<T>(
  flag: string,
  schema: z.ZodType<T>,
  flagValue: string | undefined,
  variable: string,
  env: Readonly<Record<string, string | undefined>>,
): T | undefined {
  const value = flagValue ?? env[variable];
  if (value === undefined || value === "") return undefined;
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const where = flagValue === undefined ? variable : `--${flag}`;
  throw new ConfigError(`${where}: ${checked.error.issues[0]?.message ?? "not valid"}, found "${value}"`);
}

function boolean(variable: string, env: Readonly<Record<string, string | undefined>>): boolean | undefined {
  const value = env[variable];
  if (value === undefined || value === "") return undefined;
  if (value === "1" || value === "true") return true;
  if (value === "0" || value === "false") return false;
  throw new ConfigError(`${variable}: expected 1 or 0, found "${value}"`);
}
