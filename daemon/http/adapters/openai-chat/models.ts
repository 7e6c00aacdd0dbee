/** Projects as OpenAI's models: each by its name, and with each of its agents. */
import { KartaError } from "../../../../shared/errors.ts";
import type { Model } from "../../../../shared/protocol/adapters/openai-chat.ts";
import type { Scope } from "../../../sessions/scope.ts";
import type { ServedProject, ServedProjects } from "../adapter.ts";
import { chooseModel } from "../model.ts";

const SECOND_MS = 1000;

function modelOf(id: string, { createdAt }: ServedProject): Model {
  return { id, object: "model", created: Math.floor(createdAt / SECOND_MS), owned_by: "karta" };
}

export function listModels(scope: Scope, served: ServedProjects): Model[] {
  const projects = served.list().filter(({ name }) => scope.kind === "all" || scope.name === name);
  return projects.flatMap((project) => [
    modelOf(project.name, project),
    ...project.agents.map((agent) => modelOf(`${project.name}@${agent}`, project)),
  ]);
}

/** @throws KartaError `not_found`, for another project than the scope's too */
export function findModel(id: string, scope: Scope, served: ServedProjects): Model {
  const chosen = chooseModel(id, { kind: "all" }, served);
  if (scope.kind === "project" && scope.name !== chosen.project.name)
    throw new KartaError("not_found", `"${id}" is no model of this address`, {
      fields: { param: "model", code: "model_not_found" },
    });
  return modelOf(chosen.id, chosen.project);
}
