/** Which project and agent a request's `model` means. */
import { KartaError } from "../../../shared/errors.ts";
import type { Scope } from "../../sessions/scope.ts";
import type { ServedProject, ServedProjects } from "./adapter.ts";

export interface ChosenModel {
  readonly project: ServedProject;
  /** Null: the message names none, and whoever is the session's answers. */
  readonly agent: string | null;
  /** As answers name it: `support-bot`, `support-bot@billing`. */
  readonly id: string;
}

/**
 * `name`, `name@agent` or `name@version`. In a project's own routes the address says which project: any other model's
 * name, as an app has it that only changed its base URL, is passed over there. Left out, it is the default project.
 * @throws KartaError `not_found` (`model_not_found` in OpenAI's words), `no_project`, `project_required`
 */
export function chooseModel(model: string | undefined, scope: Scope, served: ServedProjects): ChosenModel {
  const [name = "", suffix] = splitAt(model ?? "");
  switch (scope.kind) {
    case "project": {
      const project = served.find(scope.name);
      if (project === null) throw new KartaError("not_found", "no such project");
      if (name === project.name) return choose(project, suffix);
      if (served.find(name) === null) return choose(project, undefined);
      throw noSuchModel(`"${model}" is another project than ${project.name}, which this address is of`);
    }
    case "all": {
      if (model === undefined) return choose(served.findDefault(), undefined);
      const project = served.find(name);
      if (project === null) {
        const known = served.list().map((one) => one.name);
        throw noSuchModel(
          `there is no model "${model}"; a model is a project: ${known.join(", ") || "none"}`,
        );
      }
      return choose(project, suffix);
    }
  }
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

/** How the folder's own instructions are named as an agent (`daemon/sessions/runtime.ts`). */
const DEFAULT_AGENT = "default";

function noSuchModel(detail: string): KartaError {
  return new KartaError("not_found", detail, { fields: { param: "model", code: "model_not_found" } });
}
