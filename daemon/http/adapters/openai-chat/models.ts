/** Projects as OpenAI's models: each by its name, and with each of its agents. */
import type { Model } from "../../../../shared/protocol/adapters/openai-chat.ts";
import type { Scope } from "../../../sessions/scope.ts";
import type { ServedProject, ServedProjects } from "../adapter.ts";
import { findModel, projectsIn } from "../model.ts";

const SECOND_MS = 1000;

function modelOf(id: string, { createdAt }: ServedProject): Model {
  return { id, object: "model", created: Math.floor(createdAt / SECOND_MS), owned_by: "karta" };
}

export function listModels(scope: Scope, served: ServedProjects): Model[] {
  return projectsIn(scope, served).flatMap((project) => [
    modelOf(project.name, project),
    ...project.agents.map((agent) => modelOf(`${project.name}@${agent}`, project)),
  ]);
}

/** @throws KartaError `not_found`, for another project than the scope's too */
export function getModel(id: string, scope: Scope, served: ServedProjects): Model {
  const chosen = findModel(id, scope, served);
  return modelOf(chosen.id, chosen.project);
}
