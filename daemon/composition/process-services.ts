/** The services that start child processes, and what those processes need of kartad: agents, apps' workers, their bounds. */
import path from "node:path";
import { Apps } from "../apps/apps.ts";
import { makeSandbox } from "../confinement.ts";
import { configuredHarnesses } from "../configured-harnesses.ts";
import type { HarnessRegistry } from "../harness/registry.ts";
import { ToolGateway } from "../harness/tool-gateway.ts";
import { OfflineModel } from "../offline-model/server.ts";
import { Pool } from "../pool/pool.ts";
import { ProcessJournal } from "../process/journal.ts";
import { GroupMemory } from "../process/memory.ts";
import type { Sandbox } from "../process/sandbox.ts";
import { ProcessSpawner } from "../process/spawner.ts";
import { TempFolders } from "../process/temp-folders.ts";
import type { StartContext } from "./start-context.ts";

export interface ProcessServices {
  readonly offlineModel: OfflineModel;
  readonly spawner: ProcessSpawner;
  readonly sandbox: Sandbox;
  readonly memory: GroupMemory;
  readonly pool: Pool;
  readonly harnesses: HarnessRegistry;
  readonly apps: Apps;
}

/** Nothing runs yet but the offline model, if the settings want it. What a dead kartad left running is ended first. */
export async function startProcessServices(context: StartContext): Promise<ProcessServices> {
  const { config, logger, now, elapsed, undo } = context;
  const offlineModel = new OfflineModel({ logger: logger.child({ part: "offline-model" }) });
  if (config.offline) {
    await offlineModel.start();
    undo.defer(() => offlineModel.stop());
  }

  const sandbox = makeSandbox(config);
  const spawner = await cleanSpawner(context, sandbox);
  const tools = new ToolGateway({ logger });
  undo.defer(() => tools.stop());
  const memory = new GroupMemory();
  const pool = new Pool({
    spawner,
    logger,
    now: elapsed,
    maxProcesses: config.maxProcesses,
    memoryOf: (groupId) => memory.of(groupId),
    maxProcessBytes: config.maxProcessBytes,
  });
  undo.defer(() => pool.stop());
  const harnesses = configuredHarnesses({
    config,
    offlineModelUrl: (project) => offlineModel.baseUrl(project),
    spawner,
    tools,
    logger,
    mask: context.secrets.mask,
  });
  const apps = new Apps({ spawner, logger, now, elapsed, memory, maxProcessBytes: config.maxProcessBytes });
  undo.defer(() => apps.stop());
  return { offlineModel, spawner, sandbox, memory, pool, harnesses, apps };
}

/** A spawner on a machine where nothing of an earlier kartad is left: no process, no temporary file. */
async function cleanSpawner(
  { config, logger, undo }: StartContext,
  sandbox: Sandbox,
): Promise<ProcessSpawner> {
  const journal = new ProcessJournal(path.join(config.stateHome, "run", "processes"));
  const leftovers = await journal.endLeftovers();
  if (leftovers > 0)
    logger.warn({ processes: leftovers }, "processes that a dead kartad had left were ended");
  const temp = new TempFolders(config.stateHome, config.env.TMPDIR ?? "/tmp");
  await temp.clear();
  const spawner = new ProcessSpawner({ logger, journal, temp, sandbox });
  undo.defer(() => spawner.stopAll());
  return spawner;
}
