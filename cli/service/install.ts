/** Writes a service's files and takes them away. Twice does no more than once. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { systemErrorCode } from "../../shared/errors.ts";
import { CliError } from "../client/errors.ts";
import type { ServiceFile, ServiceManager } from "./service.ts";
import type { ServiceSettings } from "./settings.ts";

const ENVIRONMENT_TEXT = `# What kartad's service has in its environment: lines of NAME=value. Only its owner may read this file.
# ANTHROPIC_API_KEY=
`;

/**
 * Writes the files, has the manager read them and kartad started.
 * @returns whether any of them is new or another than before
 * @throws CliError `no_service` before anything was written, `bad_file`, `service_failed`
 */
export async function install(manager: ServiceManager, settings: ServiceSettings): Promise<boolean> {
  await manager.requireUsable(settings);
  const changes = manager.files(settings).filter((file) => !isThere(file));
  onDisk(() => {
    if (manager.kind !== "system") mkdirSync(settings.stateHome, { recursive: true, mode: 0o700 });
    prepareEnvironmentFile(settings.environmentFile);
    for (const file of changes) write(file);
  });
  await manager.activate(settings, changes.length > 0);
  return changes.length > 0;
}

/** @returns whether there was something to take away. State, log and environment file stay. */
export async function uninstall(manager: ServiceManager, settings: ServiceSettings): Promise<boolean> {
  const files = manager.files(settings).filter(({ path: place }) => existsSync(place));
  if (files.length === 0) return false;
  await manager.deactivate();
  onDisk(() => files.forEach(({ path: place }) => rmSync(place, { force: true })));
  await manager.forget();
  return true;
}

/** What an operator should know of the environment file; null: nothing. */
export function environmentFileNote({ environmentFile }: ServiceSettings): string | null {
  const mode = existsSync(environmentFile) ? statSync(environmentFile).mode & 0o077 : 0;
  return mode === 0 ? null : `${environmentFile} can be read by others; \`chmod 600 ${environmentFile}\``;
}

function isThere({ path: place, text }: ServiceFile): boolean {
  return existsSync(place) && readFileSync(place, "utf8") === text;
}

function write({ path: place, text, mode }: ServiceFile): void {
  mkdirSync(path.dirname(place), { recursive: true });
  const unfinished = `${place}.new`;
  writeFileSync(unfinished, text, { mode });
  chmodSync(unfinished, mode); // whatever the umask, and a file that was left here
  renameSync(unfinished, place);
}

function prepareEnvironmentFile(file: string): void {
  if (existsSync(file)) return;
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(file, ENVIRONMENT_TEXT, { mode: 0o600, flag: "wx" });
}

function onDisk(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError("bad_file", `the service's files could not be written: ${reason}`, { cause: error });
  }
}
