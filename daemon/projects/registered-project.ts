/** A project that is registered: its row, its folder as last read, and whether it can take turns. */
import type { ProjectHealth } from "../../shared/protocol/projects.ts";
import type { AppDescription } from "../apps/protocol.ts";
import type { ProjectRow } from "../store/schema.ts";
import type { ProjectDefinition } from "./definition.ts";

/** Every project of this version is what its folder holds now; releases come later. */
export const PROJECT_VERSION = "dev";

/** A registered project. */
export interface RegisteredProject {
  readonly row: ProjectRow;
  /** Null: the folder can't be read now; `health` says why. */
  definition: ProjectDefinition | null;
  health: ProjectHealth;
  /** What its code has registered, as the last check that went well has found it. */
  app: AppDescription;
  /** Settles when the check that is under way has ended. */
  checked: Promise<void>;
}
