/** Finding a session by the start of its id. */
import { KartaError } from "../../shared/errors.ts";
import { isId } from "../../shared/ids.ts";
import type { KartaClient } from "./client.ts";
import { CliError } from "./errors.ts";

/**
 * The full id for what the user typed: an id, or the start of one, with or without `sess_`.
 * @throws KartaError `not_found`, CliError `ambiguous_id` with `candidates`
 */
export async function resolveSession(client: KartaClient, typed: string): Promise<string> {
  const prefix = typed.startsWith("sess_") ? typed : `sess_${typed}`;
  if (isId("sess", prefix)) return prefix;
  const candidates: string[] = [];
  for await (const session of client.eachSession()) {
    if (session.id === prefix) return session.id;
    if (session.id.startsWith(prefix)) candidates.push(session.id);
  }
  const [only, ...others] = candidates;
  if (only === undefined)
    throw new KartaError("not_found", `no session's id starts with ${prefix}; see \`karta sessions list\``);
  if (others.length === 0) return only;
  throw new CliError(
    "ambiguous_id",
    `${candidates.length} sessions' ids start with ${prefix}; type more of it`,
    {
      fields: { candidates },
    },
  );
}
