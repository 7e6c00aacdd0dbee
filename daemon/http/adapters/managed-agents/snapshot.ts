/** `GET …/{id}`: where a session stands, and its wire events so far. Written page by page: there may be many. */
import type { Response } from "express";
import type { Session } from "../../../../shared/protocol/sessions.ts";
import type { EventSource } from "../../../events/watcher.ts";
import { untilWritable } from "../../until-writable.ts";
import { placeAfter } from "./place.ts";
import { isAtRest } from "./rest.ts";
import { WireProjection } from "./wire-events.ts";

const PAGE = 500;

/** @param after events after it alone; those that are no longer kept are left out */
export async function writeSnapshot(
  response: Response,
  source: EventSource,
  session: Session,
  after: number,
): Promise<void> {
  const upTo = session.last_seq;
  const projection = new WireProjection(await placeAfter(source, after));
  // A session that waits for its people is idle: the next word is theirs.
  const isIdle = session.pending_input !== null || (await isAtRest(source, session));
  response.status(200).type("json");
  response.write(`{"id":${JSON.stringify(session.id)},"status":"${isIdle ? "idle" : "running"}","events":[`);
  let separator = "";
  for (let cursor = after; cursor < upTo && !response.closed;) {
    const page = await source.page(cursor, PAGE);
    const shown = page.filter(({ seq }) => seq <= upTo).flatMap((event) => projection.project(event) ?? []);
    cursor = page.at(-1)?.seq ?? upTo;
    if (shown.length === 0) continue;
    const text = separator + shown.map((event) => JSON.stringify(event)).join(",");
    separator = ",";
    response.write(text);
    await untilWritable(response);
  }
  response.end("]}");
}
