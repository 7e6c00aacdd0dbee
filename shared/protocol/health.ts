/** What a daemon says of itself: liveness, readiness, measurements, its contract. */
import { z } from "zod";
import { route } from "./route.ts";
import { NoQuerySchema, NothingSchema } from "./sessions.ts";

export const HealthSchema = z.object({
  status: z.enum(["ok", "draining"]),
  version: z.string(),
  offline: z.boolean().describe("True: replies are scripted by the offline model, never a model's."),
});

/** Its inside is OpenAPI's own matter. */
export const OpenApiDocumentSchema = z.looseObject({ openapi: z.string() });

export const healthRoutes = {
  healthz: route({
    method: "GET",
    path: "/healthz",
    summary: "The daemon is alive",
    access: "public",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: HealthSchema,
    errors: [],
  }),
  readyz: route({
    method: "GET",
    path: "/readyz",
    summary: "The daemon can take a turn",
    access: "public",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: HealthSchema,
    errors: ["shutting_down", "storage_unavailable"],
  }),
  metrics: route({
    method: "GET",
    path: "/metrics",
    summary: "What the daemon measures, in Prometheus' text format",
    access: "daemon",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: z.string(),
    errors: [],
  }),
  openapi: route({
    method: "GET",
    path: "/openapi.json",
    summary: "This document",
    access: "public",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: OpenApiDocumentSchema,
    errors: [],
  }),
} as const;
