/** Other APIs that kartad speaks, each a set of routes beside its own. One entry an API. */
import type { Route } from "../route.ts";
import { managedAgentsRoutes } from "./managed-agents.ts";

/** Which bases an API stands under: `/v1` (`flat`), or `/v1/projects/:ref` and `/local/:ref/v1` (`project`). */
export type FamilyKind = "flat" | "project";

export interface AdapterRoutes {
  /** Its section of the OpenAPI document. */
  readonly tag: string;
  readonly description: string;
  readonly families: readonly FamilyKind[];
  /** Paths are relative to the bases. Names are operation ids: no other API may have the same. */
  readonly routes: Readonly<Record<string, Route>>;
}

export const ADAPTER_ROUTES: readonly AdapterRoutes[] = [
  {
    tag: "managed agents",
    description:
      "The wire that Karta's own browser clients speak; `/local/{ref}/v1/managed-agents/…` is the same.",
    families: ["project"],
    routes: managedAgentsRoutes,
  },
];
