/** `/metrics`, on both planes: what the daemon measures, as text for a collector. */
import type { Express } from "express";
import { healthRoutes } from "../../../shared/protocol/health.ts";
import { mount, STREAMED } from "../mount.ts";

/** A page for a collector, made when it is asked for. */
export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

export function mountMetrics(app: Express, page: MetricsPage): void {
  mount(app, healthRoutes.metrics, async ({ response }) => {
    const text = await page.text();
    response.setHeader("Content-Type", page.contentType);
    response.setHeader("Cache-Control", "no-store");
    response.end(text);
    return STREAMED;
  });
}
