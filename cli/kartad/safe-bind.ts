/** An address that kartad would refuse is refused before the kartad that runs is stopped for it. */
import { isLoopback } from "../../shared/loopback.ts";
import type { KartaClient } from "../client/client.ts";
import { CliError } from "../client/errors.ts";
import { routes } from "../client/routes.ts";

/**
 * @param client of the kartad that runs, and knows of the keys
 * @param again the command that is to be run again when there is a key
 * @throws CliError `unsafe_bind` for an address that others reach, while there is no API key
 */
export async function requireSafeBind(
  client: KartaClient,
  bind: { readonly host: string; readonly insecure: boolean },
  again: string,
): Promise<void> {
  if (isLoopback(bind.host) || bind.insecure) return;
  const { data } = await client.call(routes.listKeys);
  if (data.some(({ kind, state }) => kind === "api" && state !== "revoked")) return;
  throw new CliError(
    "unsafe_bind",
    `others could reach ${bind.host}, and without an API key any of them could run agents; ` +
      `\`karta keys create NAME\` makes one, then \`${again}\` again; or add --insecure`,
  );
}
