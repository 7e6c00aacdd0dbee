/** A session's events from a seq back to its first, as far as the reader wants them. */
import type { LoggedEvent } from "../../../events/logged-event.ts";
import type { EventSource } from "../../../events/watcher.ts";

const PAGE = 200;

/** Newest first. It ends early where older events are no longer kept. */
export async function* readBack(source: EventSource, upTo: number): AsyncGenerator<LoggedEvent> {
  for (let end = upTo; end > 0; end -= PAGE) {
    const start = Math.max(0, end - PAGE);
    // Where the oldest events are gone, a page begins later and reaches further than asked.
    const page = (await source.page(start, end - start)).filter(({ seq }) => seq <= end);
    yield* page.toReversed();
    if (page[0]?.seq !== start + 1) return;
  }
}
