/** Session tokens: made by an app's backend for its users, or with an embed key for a page's visitors. */
import { Router } from "express";
import { KartaError } from "../../../shared/errors.ts";
import { embedRoutes, sessionTokenRoutes } from "../../../shared/protocol/tokens.ts";
import type { Authenticator } from "../../keys/authenticator.ts";
import { scopeOf } from "../access.ts";
import { noteFailure } from "../authentication.ts";
import { mount } from "../mount.ts";
import { principalOf } from "../principals.ts";
import type { RequestRate } from "../request-rate.ts";

/** Under a project's base. */
export function sessionTokenRouter(authenticator: Authenticator): Router {
  const router = Router({ mergeParams: true });
  mount(router, sessionTokenRoutes.createSessionToken, ({ request, body }) => {
    const scope = scopeOf(request);
    if (scope.kind === "all") throw new KartaError("not_found", "no such project"); // it is not mounted there
    const principal = principalOf(request);
    const keyId = principal.kind === "operator" ? null : principal.keyId;
    return authenticator.issueToken({ project: scope.name, endUser: body.sub, keyId }, body.expires_in);
  });
  return router;
}

/** Under `/v1`. @param failures how many bad embed keys and identities an address may present */
export function embedRouter(authenticator: Authenticator, failures: RequestRate): Router {
  const router = Router();
  mount(router, embedRoutes.createEmbedToken, async ({ request, body }) => {
    try {
      return await authenticator.admitVisitor({
        embedKey: body.embed_key,
        origin: request.headers.origin ?? null,
        userId: body.user_id ?? null,
        identityToken: body.identity_token ?? null,
      });
    } catch (error) {
      noteFailure(request, failures);
      throw error;
    }
  });
  return router;
}
