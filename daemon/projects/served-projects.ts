/** The registry as other APIs see it: each project is a model, and so is each of its agents. */
import type { SessionProject, SessionProjects } from "../sessions/runtime.ts";
import type { ProjectRegistry } from "./registry.ts";

/** A project that takes turns, as far as a model's name and entry in a list are concerned. */
interface ServedProject extends Pick<SessionProject, "name" | "version" | "agents"> {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** What `daemon/http/adapters/adapter.ts` asks for under the same name. */
interface ServedProjects {
  readonly list: () => readonly ServedProject[];
  readonly find: (name: string) => ServedProject | null;
  /** @throws KartaError as `SessionProjects.findDefault` */
  readonly findDefault: () => ServedProject;
}

export function servedProjects(registry: ProjectRegistry, projects: SessionProjects): ServedProjects {
  const find = (name: string): ServedProject | null => {
    const project = projects.find(name);
    const row = registry.find(name)?.row;
    if (project === null || row === undefined) return null;
    const { version, agents } = project;
    return { name, version, agents, createdAt: row.created_at };
  };
  return {
    find,
    list: () => registry.all.flatMap(({ row }) => find(row.name) ?? []),
    findDefault: () => {
      const { name, version, agents } = projects.findDefault();
      return { name, version, agents, createdAt: registry.find(name)?.row.created_at ?? 0 };
    },
  };
}
