/** `/openapi.json`, on both planes: the public API's contract. */
import type { Express } from "express";
import { healthRoutes } from "../../../shared/protocol/health.ts";
import { mount, STREAMED } from "../mount.ts";

async function makeDocument(version: string): Promise<string> {
  const { openApiDocument } = await import("../openapi/document.ts");
  return JSON.stringify(openApiDocument(version));
}

/** Made when it is first asked for, and kept: a start loads nothing of it. */
export function mountOpenApi(app: Express, version: string): void {
  let made: Promise<string> | null = null;
  mount(app, healthRoutes.openapi, async ({ response }) => {
    made ??= makeDocument(version);
    response.setHeader("Content-Type", "application/json; charset=utf-8");
    response.end(await made);
    return STREAMED;
  });
}
