/** Other APIs that kartad speaks, each a set of routes beside its own. One entry an API. */
import type { Route } from "../route.ts";
import { anthropicRoutes } from "./anthropic/routes.ts";
import { openAiChatRoutes } from "./openai-chat.ts";
import { responsesRoutes } from "./responses.ts";
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
    tag: "openai chat",
    description: "OpenAI's Chat Completions and models: its clients work against kartad by their base URL.",
    families: ["flat", "project"],
    routes: openAiChatRoutes,
  },
  {
    tag: "openai responses",
    description: "OpenAI's Responses, and its Conversations as far as they need them.",
    families: ["flat", "project"],
    routes: responsesRoutes,
  },
  {
    tag: "anthropic",
    description:
      "Anthropic's Messages and Managed Agents: its clients work against kartad with `…/anthropic` as their base URL.",
    families: ["flat", "project"],
    routes: anthropicRoutes,
  },
  {
    tag: "managed agents",
    description:
      "The wire that Karta's own browser clients speak; `/local/{ref}/v1/managed-agents/…` is the same.",
    families: ["project"],
    routes: managedAgentsRoutes,
  },
];
