/** A session's events page by page. What several events of the log add up to is shown once it is whole. */
import { z } from "zod";
import { KartaError } from "../../../../../shared/errors.ts";
import type { ManagedEvent } from "../../../../../shared/protocol/adapters/anthropic/events.ts";
import type { EventSource } from "../../../../events/watcher.ts";
import { refuse } from "../content.ts";
import type { ManagedProjection, Projected } from "./projection.ts";

export interface EventQuery {
  readonly limit: number;
  /** The `next_page` of an earlier page. */
  readonly page: string | null;
  readonly shows: (event: ManagedEvent) => boolean;
}

/** A projection may begin anew after `after`; so many of what it then gives were shown. */
const PlaceSchema = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);

const READ_AT_ONCE = 500;

/** @throws KartaError `invalid_request` for a page that is not one of ours, `cursor_expired` for one that is no longer kept */
export async function listEvents(
  source: EventSource,
  projection: ManagedProjection,
  query: EventQuery,
): Promise<{ data: ManagedEvent[]; next_page: string | null }> {
  let [boundary, skip] = query.page === null ? [0, 0] : decode(query.page);
  let cursor = boundary;
  let given = 0; // since the boundary
  const data: ManagedEvent[] = [];
  let next: readonly [number, number] = [boundary, skip];
  for (;;) {
    const page = await source.page(cursor, READ_AT_ONCE);
    if (query.page !== null && page[0] !== undefined && !source.follows(page[0], cursor)) throw expired();
    for (const logged of page) {
      for (const event of projection.add(logged.parse()).filter(isKept)) {
        given += 1;
        if (given <= skip || !query.shows(event)) continue;
        if (data.length === query.limit) return { data, next_page: encode(next) };
        data.push(event);
        next = [boundary, given];
      }
      cursor = logged.seq;
      if (projection.isAtRest) {
        [boundary, skip, given] = [cursor, 0, 0];
      }
    }
    if (page.length < READ_AT_ONCE) return { data, next_page: null };
  }
}

function expired(): KartaError {
  return new KartaError(
    "cursor_expired",
    "the events of this page are no longer kept; list them from the start",
  );
}

/** Previews are for who watches. */
export function isKept(event: Projected): event is ManagedEvent {
  return event.type !== "event_start" && event.type !== "event_delta";
}

function encode(place: readonly [number, number]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

function decode(page: string): [number, number] {
  try {
    return PlaceSchema.parse(JSON.parse(Buffer.from(page, "base64url").toString("utf8")));
  } catch {
    return refuse("page", "expected the next_page of an earlier page");
  }
}
