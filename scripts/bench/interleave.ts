/** Takes samples of several contenders by turns, so that a busy minute of the machine meets them all. */

export interface Contender {
  /** Grows with each round. */
  readonly samples: number[];
  /** @returns one sample */
  readonly take: () => Promise<number>;
}

export function contender(take: () => Promise<number>): Contender {
  return { samples: [], take };
}

/** Each round asks every contender once, every second round in reverse. */
export async function interleave(rounds: number, contenders: readonly Contender[]): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (const { samples, take } of round % 2 === 0 ? contenders : contenders.toReversed()) {
      samples.push(await take());
    }
  }
}
