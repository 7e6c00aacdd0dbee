/** How long a chaos run takes and how hard it is. The same code runs for 15 seconds and for ten minutes. */
export interface ChaosPlan {
  readonly seed: number;
  readonly seconds: number;
  readonly sessions: number;
  /** Sessions of the real Claude Code, and of a real agent of the Agent Client Protocol. */
  readonly realSessions: number;
  /** Clients that send at the same time. */
  readonly clients: number;
  readonly watchers: number;
  /** The longest pause of a client between two things it does. Milliseconds. */
  readonly thinkMs: number;
  /** By what the pauses between faults of the short form are multiplied. */
  readonly calm: number;
  readonly diskMegabytes: number;
}

/** @param env `KARTA_CHAOS_SECONDS`, `KARTA_CHAOS_SEED` */
export function planOf(env: Readonly<Record<string, string | undefined>>): ChaosPlan {
  const seconds = Number(env.KARTA_CHAOS_SECONDS ?? 15);
  const isLong = seconds > 60;
  return {
    seed: Number(env.KARTA_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32)),
    seconds,
    sessions: 60,
    realSessions: isLong ? 4 : 1,
    clients: isLong ? 20 : 14,
    watchers: isLong ? 20 : 12,
    thinkMs: isLong ? 1200 : 250,
    calm: isLong ? 4 : 1,
    diskMegabytes: 48 + Math.ceil(seconds / 3),
  };
}
