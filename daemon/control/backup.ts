/** Backups over the control socket: the store's bytes out, and in. */
import { open, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Express } from "express";
import { KartaError } from "../../shared/errors.ts";
import { controlRoutes, STORE_TYPE, type Restored } from "../../shared/protocol/control.ts";
import { mount, STREAMED } from "../http/mount.ts";

export interface BackupOptions {
  /** Copies the store. @returns a file that the caller removes */
  readonly copyStore: () => Promise<string>;
  /** Checks a backup and keeps it for the next start. */
  readonly stageRestore: (source: Readable) => Promise<Restored>;
}

export function mountBackup(app: Express, options: BackupOptions): void {
  mount(app, controlRoutes.backup, async ({ response }) => {
    const copy = await options.copyStore();
    const file = await open(copy, "r");
    try {
      await rm(copy); // read to its end all the same, and gone whatever happens now
      const { size } = await file.stat();
      response.status(200).setHeader("Content-Type", STORE_TYPE).setHeader("Content-Length", size);
      // A client that leaves is no error of ours.
      await pipeline(file.createReadStream({ autoClose: false }), response).catch(() => undefined);
    } finally {
      await file.close();
    }
    return STREAMED;
  });

  mount(app, controlRoutes.restore, ({ request }) => {
    if (request.headers["content-type"] !== STORE_TYPE)
      throw new KartaError("unsupported_media_type", `expected Content-Type: ${STORE_TYPE}`);
    return options.stageRestore(request);
  });
}
