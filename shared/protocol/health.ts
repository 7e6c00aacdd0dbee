/** Liveness, readiness and measurements of the daemon. */
import { z } from "zod";
import { route } from "./route.ts";
import { NoQuerySchema, NothingSchema } from "./sessions.ts";

export const HealthSchema = z.object({
  status: z.enum(["ok", "draining"]),
  version: z.string(),
  /** True: replies are scripted by the offline model, never a model's. */
  offline: z.boolean(),
});

export const healthRoutes = {
  healthz: route({
    method: "GET",
    path: "/healthz",
    summary: "The daemon is alive",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: HealthSchema,
  }),
  readyz: route({
    method: "GET",
    path: "/readyz",
    summary: "The daemon can take a turn",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: HealthSchema,
  }),
  metrics: route({
    method: "GET",
    path: "/metrics",
    summary: "What the daemon measures, in Prometheus' text format",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: z.string(),
  }),
} as const;
