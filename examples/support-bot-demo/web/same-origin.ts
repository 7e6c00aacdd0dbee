/** Only this server's own page may call its API. */
import type { RequestHandler } from "express";

const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Refuses with 403 what another site makes a visitor's browser send. Two ways in are shut:
 * - DNS rebinding: the attacker's name resolves to 127.0.0.1, so `Host` carries that name. Only loopback names pass;
 *   the port is not compared, because a forwarded port differs from ours and rebinding cannot forge a loopback name.
 * - Cross-site requests: browsers put `Origin` on every cross-site POST, so one that is there must be the host's own.
 */
export const sameOriginOnly: RequestHandler = (request, response, next) => {
  const host = request.headers.host ?? "";
  const origin = request.headers.origin;
  const site = request.headers["sec-fetch-site"];
  if (!LOOPBACK_NAMES.has(parse(`http://${host}`)?.hostname ?? "")) {
    response
      .status(403)
      .json({ error: "host_not_allowed", detail: `This server does not answer as "${host}".` });
  } else if (origin !== undefined && parse(origin)?.host !== host.toLowerCase()) {
    response
      .status(403)
      .json({ error: "origin_not_allowed", detail: "Only this server's own page may call its API." });
  } else if (site !== undefined && site !== "same-origin" && site !== "none") {
    response
      .status(403)
      .json({ error: "origin_not_allowed", detail: "Only this server's own page may call its API." });
  } else {
    next();
  }
};

function parse(url: string): URL | undefined {
  return URL.parse(url) ?? undefined;
}
