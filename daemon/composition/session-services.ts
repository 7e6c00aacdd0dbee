/** The core: projects, their sessions, and the events of those. Projects and sessions need each other; here they meet. */
import { checkEntryPoint } from "../apps/check-entry-point.ts";
import { Feed } from "../events/feed.ts";
import { EventLog } from "../events/log.ts";
import { readProject } from "../projects/read-project.ts";
import { ProjectRegistry, type RegistryOptions } from "../projects/registry.ts";
import { sessionProjects } from "../projects/session-projects.ts";
import { Workspaces } from "../projects/workspace.ts";
import { endBrokenTurns } from "../sessions/recovery.ts";
import type { SessionProjects } from "../sessions/runtime.ts";
import { SessionService } from "../sessions/service.ts";
import type { Store } from "../store/store.ts";
import type { ProcessServices } from "./process-services.ts";
import type { StartContext } from "./start-context.ts";

export interface SessionServices {
  readonly registry: ProjectRegistry;
  /** The registry as sessions see it. */
  readonly projects: SessionProjects;
  readonly feed: Feed;
  readonly sessions: SessionService;
}

/** Turns that a dead kartad left open have ended when this resolves, and no project's folder was read: `registry.start()` does. */
export async function startSessionServices(
  context: StartContext,
  store: Store,
  processes: ProcessServices,
): Promise<SessionServices> {
  const { config, logger, now } = context;
  const { mask, learn } = context.secrets;
  const { offlineModel, spawner, sandbox, pool, harnesses, apps } = processes;
  const workspaces = new Workspaces({ stateHome: config.stateHome, spawner, logger, baseEnv: config.env });
  const registry = new ProjectRegistry({
    store: store.projects,
    stateHome: config.stateHome,
    logger,
    mask,
    now,
    read: (folder) =>
      readProject(folder, {
        daemonEnv: config.env,
        homedir: config.homedir,
        sandbox: { isRequired: config.sandboxRequired, probe: () => sandbox.probe() },
        onSecrets: learn,
      }),
    checkEntryPoint: entryPointCheck(context, processes),
    harnessProgram: (type, project) => harnesses[type].binary(project),
    onScript: (project, script) => offlineModel.setScript(project, script),
    onApp: (project, app) => apps.use(project, app),
    workerOf: (project) => apps.find(project)?.status() ?? null,
    onReady: (project) => {
      const ready = projects.find(project);
      if (ready) void pool.dropSpares(project).then(() => sessions.prepare(ready));
    },
    onRemove: async (project) => {
      await sessions.endProject(project);
      await apps.remove(project);
      await workspaces.discardProject(project);
      offlineModel.removeScript(project);
    },
    countSessions: () => store.sessions.countActive(),
  });

  sandbox.hideAlso(() => registry.all.map(({ row }) => row.path)); // one project's agent does not see another's

  const feed = new Feed();
  const events = new EventLog({ events: store.events, feed, logger, now });
  await endBrokenTurns({ turns: store.turns, events: store.events, log: events, logger, now });
  const projects = sessionProjects({
    registry,
    workspaces,
    apps,
    harnessOf: (type) => harnesses[type],
    sandboxProblem: () => sandbox.problem(),
  });
  const sessions = new SessionService({
    sessions: store.sessions,
    turns: store.turns,
    participants: store.participants,
    events: store.events,
    log: events,
    pool,
    projects,
    logger,
    mask,
    now,
  });
  return { registry, projects, feed, sessions };
}

/** Looks at the code that a project names, if it names any, in a child of its own. */
function entryPointCheck(
  { config }: StartContext,
  { spawner }: ProcessServices,
): RegistryOptions["checkEntryPoint"] {
  return async ({ manifest, root, appEnv, agents, skills }, home) => {
    if (manifest.entryPoint === null) return null;
    return checkEntryPoint({
      root,
      entryPoint: manifest.entryPoint,
      boundEnv: appEnv,
      context: { agents, skills },
      baseEnv: config.env,
      home,
      spawner,
      sandbox: manifest.runtime.sandbox,
    });
  };
}
