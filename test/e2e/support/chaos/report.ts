/** The figures of a chaos run, for people. */

export type Figure = readonly [name: string, value: number | string];

/** Aligned lines, a heading above each group. */
export function report(groups: readonly (readonly [heading: string, figures: readonly Figure[]])[]): string {
  const width = Math.max(...groups.flatMap(([, figures]) => figures.map(([name]) => name.length)));
  const lines = groups.flatMap(([heading, figures]) => [
    heading,
    ...figures.map(([name, value]) => `  ${name.padEnd(width)}  ${String(value).padStart(8)}`),
  ]);
  return `${lines.join("\n")}\n`;
}

/** The largest first. */
export function counted(counts: ReadonlyMap<string, number>): Figure[] {
  return [...counts].sort(([, a], [, b]) => b - a);
}

export function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
