/** The demo's web server: the chat page, and an API that carries its messages to Karta. */
import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import { api } from "./api.ts";
import { errorBoundary } from "./errors.ts";
import { Karta } from "./karta.ts";
import { silent, type Logger } from "./logger.ts";
import { sameOriginOnly } from "./same-origin.ts";
import { securityHeaders } from "./security-headers.ts";
import { staticFiles } from "./static-files.ts";

export interface WebOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Where Karta listens, for example http://localhost:8000. */
  readonly kartaUrl: string;
  /** The project to talk to. Left out, Karta takes its default, or the only one it has. */
  readonly project?: string | undefined;
  /** The key of a Karta that wants one. */
  readonly apiKey?: string | undefined;
  /** Says nothing by default. */
  readonly logger?: Logger;
}

export interface Web {
  /** Where to point the browser. */
  readonly url: string;
  /** Stops listening and ends the open replies. Their turns go on at Karta. */
  close(): Promise<void>;
}

/**
 * Serves the demo on 127.0.0.1. Karta may be down: the page then says so.
 * @throws Error when the port is taken
 */
export async function startWeb(options: WebOptions): Promise<Web> {
  const logger = options.logger ?? silent;
  const karta = new Karta(options.kartaUrl, options.project, options.apiKey);
  const app = express();
  app.disable("x-powered-by");
  app.use(securityHeaders);
  app.use("/api", sameOriginOnly, api(karta));
  app.use(staticFiles(logger));
  app.use((_request, response) => {
    response.status(404).json({ error: "not_found", detail: "There is nothing at this address." });
  });
  app.use(errorBoundary(logger));

  const server = createServer(app);
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening"); // rejects on "error", such as EADDRINUSE
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  await announceKarta(karta, options.kartaUrl, logger);
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function announceKarta(karta: Karta, url: string, logger: Logger): Promise<void> {
  try {
    const { version, offline } = await karta.health();
    logger.info(`Karta ${version} answers at ${url}${offline ? " (offline model: scripted replies)" : ""}`);
  } catch (error) {
    logger.warn(error instanceof Error ? error.message : String(error));
  }
}
