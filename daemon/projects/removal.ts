/** A project whose removal broke off half-way. */
import { KartaError } from "../../shared/errors.ts";
import type { RegisteredProject } from "./registered-project.ts";

/** It takes no turns. Another than it was, so that a check which is under way makes nothing of it ready. */
export function halfRemoved(project: RegisteredProject): RegisteredProject {
  return { ...project, health: { state: "failed", detail: "it was not removed whole; remove it again" } };
}

/** @returns what the operator is told */
export function notRemoved(name: string, error: unknown): KartaError {
  const because = error instanceof Error ? error.message : String(error);
  return new KartaError(
    error instanceof KartaError ? error.code : "internal",
    `project ${name} is not removed whole, and takes no turns (${because}); mend that and run \`karta project remove ${name}\` again`,
    { cause: error },
  );
}
