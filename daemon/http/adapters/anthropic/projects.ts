/** The projects that a request may reach. */
import type { Scope } from "../../../sessions/scope.ts";
import type { ServedProject, ServedProjects } from "../adapter.ts";

export function projectsIn(scope: Scope, served: ServedProjects): readonly ServedProject[] {
  const all = served.list();
  return scope.kind === "all" ? all : all.filter(({ name }) => name === scope.name);
}
