/** Which project and agent a request's `model` means. */
import { KartaError } from "../../../shared/errors.ts";
import type { Scope } from "../../sessions/scope.ts";
import type { ServedProject, ServedProjects } from "./adapter.ts";

/** How the folder's own instructions are named as an agent (`daemon/sessions/runtime.ts`). */
export const DEFAULT_AGENT = "default";

export interface ChosenModel {
  readonly project: ServedProject;
  /** Null: the message names none, and whoever is the session's answers. */
  readonly agent: string | null;
  /** As answers name it: `support-bot`, `support-bot@billing`. */
  readonly id: string;
}

/** The projects that a request may reach. */
export function projectsIn(scope: Scope, served: ServedProjects): readonly ServedProject[] {
  const all = served.list();
  return scope.kind === "all" ? all : all.filter(({ name }) => name === scope.name);
}

/**
 * `name`, `name@agent` or `name@version`. In a project's own routes the address says which project: any other model's
 * name, as an app has it that only changed its base URL, is passed over there, also one of another project, which a
 * caller that may not reach it must not learn of. Left out, it is the default project.
 * @throws KartaError `not_found` (`model_not_found` in OpenAI's words), `no_project`, `project_required`
 */
export function chooseModel(model: string | undefined, scope: Scope, served: ServedProjects): ChosenModel {
  switch (scope.kind) {
    case "project": {
      const project = served.find(scope.name);
      if (project === null) throw new KartaError("not_found", "no such project");
      const [name, suffix] = splitAt(model ?? "");
      return choose(project, name === project.name ? suffix : undefined);
    }
    case "all":
      return model === undefined ? choose(served.findDefault(), undefined) : findModel(model, scope, served);
  }
}

/** One by its name alone. @throws KartaError `not_found`, for a project that the scope does not reach too */
export function findModel(model: string, scope: Scope, served: ServedProjects): ChosenModel {
  const [name, suffix] = splitAt(model);
  const reached = projectsIn(scope, served);
  const project = reached.find((one) => one.name === name);
  if (project !== undefined) return choose(project, suffix);
  const known = reached.map((one) => one.name).join(", ");
  throw noSuchModel(`there is no model "${model}"; a model is a project: ${known || "none"}`);
}

function splitAt(model: string): [string, string | undefined] {
  const at = model.indexOf("@");
  return at < 0 ? [model, undefined] : [model.slice(0, at), model.slice(at + 1)];
}

function choose(project: ServedProject, suffix: string | undefined): ChosenModel {
  const { name, version, agents } = project;
  if (suffix === undefined) return { project, agent: null, id: name };
  if (suffix === DEFAULT_AGENT || agents.includes(suffix))
    return { project, agent: suffix, id: `${name}@${suffix}` };
  if (suffix === version) return { project, agent: null, id: `${name}@${suffix}` };
  throw noSuchModel(
    `"${suffix}" is neither an agent nor a version of ${name}; it has: ${[DEFAULT_AGENT, ...agents, version].join(", ")}`,
  );
}

function noSuchModel(detail: string): KartaError {
  return new KartaError("not_found", detail, { fields: { param: "model", code: "model_not_found" } });
}
