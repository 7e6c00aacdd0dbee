/** Query values as Anthropic's clients write them: lists with `[]`, ranges of time with `[gt]` and the like. */
import { z } from "zod";
import { refuse } from "../content.ts";

type Query = Readonly<Record<string, unknown>>;

const ListSchema = z.union([z.string().transform((one) => [one]), z.array(z.string())]);

/** `name[]`, or `name`, once or several times; null: not given. */
export function listIn(query: Query, name: string): readonly string[] | null {
  const given = query[`${name}[]`] ?? query[name];
  if (given === undefined) return null;
  const list = ListSchema.safeParse(given);
  return list.success ? list.data : refuse(name, "expected a list of values");
}

const COMPARE: Readonly<Record<string, (time: number, bound: number) => boolean>> = {
  gt: (time, bound) => time > bound,
  gte: (time, bound) => time >= bound,
  lt: (time, bound) => time < bound,
  lte: (time, bound) => time <= bound,
};

/**
 * Whether a time lies within `created_at[…]`.
 * @returns a check of a time in its RFC 3339 form
 * @throws KartaError `invalid_request` for a bound that is no time
 */
export function timesIn(query: Query): (time: string) => boolean {
  const checks = Object.entries(COMPARE).flatMap(([operator, isWithin]) => {
    const name = `created_at[${operator}]`;
    const given = query[name];
    if (given === undefined) return [];
    const bound = typeof given === "string" ? Date.parse(given) : Number.NaN;
    if (Number.isNaN(bound)) refuse(name, "expected a time such as 2026-11-25T19:00:00Z");
    return [(time: number) => isWithin(time, bound)];
  });
  return (time) => checks.every((check) => check(Date.parse(time)));
}
