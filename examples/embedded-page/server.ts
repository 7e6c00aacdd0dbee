/** A static server, and nothing more: the page itself talks to Karta. Any web server that sends these headers will do. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import path from "node:path";
import { findPackageRoot } from "../support-bot-demo/web/package-root.ts";

export interface PageOptions {
  /** TCP port on localhost; 0 takes a free one. */
  readonly port: number;
  /** Where browsers reach kartad, for example http://localhost:8000. */
  readonly kartaUrl: string;
  readonly project: string;
}

export interface ServedPage {
  /** Its origin: what kartad's `allowed_origins` must have. */
  readonly url: string;
  close(): Promise<void>;
}

/** URL → file. The chat's looks, and what shows a reply, are the support bot demo's. */
const FILES: Readonly<Record<string, string>> = {
  "/": "examples/embedded-page/page/index.html",
  "/embedded.css": "examples/embedded-page/page/embedded.css",
  "/style.css": "examples/support-bot-demo/web/page/style.css",
  "/transcript.css": "examples/support-bot-demo/web/page/transcript.css",
  "/logo.svg": "examples/support-bot-demo/web/page/logo.svg",
  "/vendor/marked.esm.js": "node_modules/marked/lib/marked.esm.js",
  "/vendor/purify.es.mjs": "node_modules/dompurify/dist/purify.es.mjs",
  "/vendor/eventsource-parser/index.js": "node_modules/eventsource-parser/dist/index.js",
  "/vendor/eventsource-parser/errors.js": "node_modules/eventsource-parser/dist/errors.js",
  "/vendor/eventsource-parser/parse.js": "node_modules/eventsource-parser/dist/parse.js",
};
/** The compiled modules of this page, and those of the demo's that it imports. */
const MODULE = /^\/modules\/((?:embedded-page|support-bot-demo\/web)\/page\/[a-z-]+\.js)$/;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** @throws Error for a URL that is none, or a port that is taken */
export async function servePage({ port, kartaUrl, project }: PageOptions): Promise<ServedPage> {
  const root = findPackageRoot(import.meta.dirname);
  const karta = new URL(kartaUrl).origin;
  const config = JSON.stringify({ karta, project });
  const headers = {
    "Content-Security-Policy": contentSecurityPolicy(karta),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
  };
  const answer = async (url: string): Promise<{ type: string; body: string | Buffer } | null> => {
    if (url === "/config.json") return { type: "application/json", body: config };
    const [, compiled] = MODULE.exec(url) ?? [];
    const file = compiled === undefined ? FILES[url] : path.join("dist/examples", compiled);
    if (file === undefined) return null;
    const body = await readFile(path.join(root, file)).catch(() => null);
    return body === null ? null : { type: TYPES[path.extname(file)] ?? "text/plain", body };
  };
  const listener: RequestListener = (request, response) => {
    void answer(new URL(request.url ?? "/", "http://page").pathname).then((found) => {
      response.writeHead(found === null ? 404 : 200, {
        ...headers,
        "Content-Type": found?.type ?? "text/plain",
      });
      response.end(found?.body ?? "There is nothing at this address. Was the page built? (npm run build)");
    });
  };
  const server = createServer(listener);
  server.listen(port, "localhost");
  await once(server, "listening"); // rejects on "error", such as EADDRINUSE
  const address = server.address();
  return {
    url: `http://localhost:${typeof address === "object" && address !== null ? address.port : port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The page loads nothing from elsewhere, runs no inline script, and talks to its own server and to Karta alone. */
function contentSecurityPolicy(karta: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${karta}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types dompurify", // a string becomes HTML in one place only, which cleans it
  ].join("; ");
}
