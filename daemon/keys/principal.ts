/** Who asks: what a request's credential has proven. What each may do is decided in `daemon/http/access.ts`. */
import type { KeyScope } from "../../shared/protocol/keys.ts";

export type Principal =
  /** Whoever may enter the control socket; on HTTP, anybody, while no credential is wanted. */
  | { readonly kind: "operator" }
  | {
      readonly kind: "key";
      readonly keyId: string;
      readonly scope: KeyScope;
      /** Null: every project. */
      readonly project: string | null;
      /** Milliseconds since the epoch; null: never. */
      readonly expiresAt: number | null;
    }
  /** One user of one project, by a session token. */
  | {
      readonly kind: "end_user";
      /** The key that made the token; null: the operator did. */
      readonly keyId: string | null;
      readonly project: string;
      readonly endUser: string;
      readonly expiresAt: number;
    };

export const OPERATOR: Principal = { kind: "operator" };
