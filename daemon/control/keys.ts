/** The operator's calls for keys. */
import type { Express } from "express";
import { controlRoutes } from "../../shared/protocol/control.ts";
import { mount } from "../http/mount.ts";
import type { Keys } from "../keys/keys.ts";

export function mountKeys(app: Express, keys: Keys): void {
  mount(app, controlRoutes.createKey, ({ body }) => keys.create(body));
  mount(app, controlRoutes.listKeys, async () => ({ data: await keys.list() }));
  mount(app, controlRoutes.revokeKey, ({ params }) => keys.revoke(params.key));
}
