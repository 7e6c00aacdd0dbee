/** The page's files, each from where it lies: sources, compiled modules, and three libraries from node_modules. */
import { existsSync } from "node:fs";
import path from "node:path";
import express, { Router } from "express";
import type { Logger } from "./logger.ts";
import { findPackageRoot } from "./package-root.ts";

const PAGE = "examples/support-bot-demo/web/page";

/** URL → file in node_modules. A literal list: nothing else of node_modules can be asked for. */
const VENDOR = {
  "/vendor/marked.esm.js": "marked/lib/marked.esm.js",
  "/vendor/purify.es.mjs": "dompurify/dist/purify.es.mjs",
  "/vendor/eventsource-parser/index.js": "eventsource-parser/dist/index.js",
  "/vendor/eventsource-parser/errors.js": "eventsource-parser/dist/errors.js",
  "/vendor/eventsource-parser/parse.js": "eventsource-parser/dist/parse.js",
} as const;

const SOURCES = ["/index.html", "/style.css", "/transcript.css", "/logo.svg"] as const;

const UNCOMPILED = `The chat page is not compiled. In Karta's folder run: npx tsc -p ${PAGE}/tsconfig.json`;

/** Routes for everything the page loads. With the page not compiled, the log and the page's address say how to. */
export function staticFiles(logger: Logger): Router {
  const root = findPackageRoot(import.meta.dirname);
  const compiled = path.join(root, "dist", PAGE);
  const isCompiled = () => existsSync(path.join(compiled, "main.js"));
  if (!isCompiled()) logger.warn(UNCOMPILED);
  const router = Router();
  router.get("/", (_request, response, next) => {
    if (isCompiled()) next();
    else response.status(503).type("text/plain").send(UNCOMPILED);
  });
  const file = (url: string, absolute: string) =>
    router.get(url, (_request, response) => {
      response.sendFile(absolute, {
        cacheControl: false,
        headers: { "Cache-Control": "no-cache" },
        dotfiles: "allow",
      });
    });
  file("/", path.join(root, PAGE, "index.html"));
  for (const name of SOURCES) file(name, path.join(root, PAGE, name));
  for (const [url, source] of Object.entries(VENDOR)) file(url, path.join(root, "node_modules", source));
  router.use(
    express.static(compiled, {
      index: false,
      redirect: false,
      cacheControl: false,
      setHeaders: (response) => {
        response.setHeader("Cache-Control", "no-cache");
      },
    }),
  );
  return router;
}
