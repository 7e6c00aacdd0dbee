/** The line of `karta doctor` about keys: who may speak to the public plane, and what that means for its address. */
import type { DoctorCheck } from "../shared/protocol/doctor.ts";
import { isLoopback, type Config } from "./config.ts";
import { countKeys } from "./store/key-count.ts";

const NAME = "keys";

/** @param now milliseconds since the epoch */
export function keyCheck({ stateHome, host, insecure }: Config, now: number): DoctorCheck {
  const count = countKeys(stateHome, now);
  if (count === null)
    return { name: NAME, state: "note", found: "the store could not be asked for them", fix: null };
  const isOutside = !isLoopback(host);
  if (isOutside && !insecure && count.heldApi === 0)
    return {
      name: NAME,
      state: "problem",
      found: `no API key, and kartad is set to ${host}, where others reach it: it does not start so`,
      fix: `\`karta start --host 127.0.0.1\` and \`karta keys create NAME\`, then \`karta restart --host ${host}\``,
    };
  if (count.api + count.embed > 0) {
    const kinds = [told(count.api, "API key"), told(count.embed, "embed key")].filter(
      (text) => text !== null,
    );
    return { name: NAME, state: "ok", found: `${kinds.join(", ")}: HTTP wants a credential`, fix: null };
  }
  if (count.held > 0 || (count.ever > 0 && !insecure))
    return {
      name: NAME,
      state: "note",
      found: "all were revoked or have expired: HTTP lets nobody in",
      fix: "`karta keys create NAME` makes one",
    };
  return {
    name: NAME,
    state: "note",
    found: isOutside
      ? `none, and --insecure: whoever reaches ${host} may run agents`
      : "none: HTTP answers every program of this machine, whichever user's, and no other machine",
    fix: "`karta keys create NAME` makes one; from then on HTTP wants it",
  };
}

function told(count: number, what: string): string | null {
  return count === 0 ? null : `${count} ${what}${count === 1 ? "" : "s"}`;
}
