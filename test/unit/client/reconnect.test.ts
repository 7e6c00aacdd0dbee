/** The client over connections that break, on both transports: what the reader sees is always whole, once, in order. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KartaClient, type RetryOptions } from "../../../shared/client/index.ts";
import { socketTransport } from "../../../shared/client/socket.ts";
import { isTerminal, type EventDraft, type SessionEvent } from "../../../shared/events.ts";
import { CuttingKarta, DONE, type Fate } from "../../fixtures/cutting-karta.ts";

const QUICK: RetryOptions = { firstWaitMs: 1, longestWaitMs: 2 };

const says = (text: string): EventDraft => ({
  type: "text",
  data: { part: { type: "text", text }, message_id: "msg_a" },
});
const system: EventDraft = { type: "system", data: { subtype: "status", detail: null } };
const seqs = (events: readonly SessionEvent[]) => events.map(({ seq }) => seq);
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, index) => from + index);

describe.each(["fetch", "a Unix socket"])("over %s", (transport) => {
  const folder = mkdtempSync(path.join(tmpdir(), "karta-client-"));
  let count = 0;
  let karta: CuttingKarta;
  let client: KartaClient;

  /** A Karta and a client of its own; the caller closes the one before. */
  async function start(retry = QUICK): Promise<void> {
    const socket = path.join(folder, `${(count += 1)}.sock`);
    karta = await CuttingKarta.listen(transport === "fetch" ? 0 : socket);
    client = new KartaClient(
      transport === "fetch" ? { url: karta.url, retry } : { transport: socketTransport(socket), retry },
    );
  }

  beforeAll(() => start());
  beforeEach(async () => {
    await karta.close();
    await start();
  });
  afterAll(async () => {
    await karta.close();
    rmSync(folder, { recursive: true });
  });

  const turn = (options: Parameters<KartaClient["stream"]>[2] = {}) =>
    fromAsync(client.stream(karta.session.id, { text: "hi" }, options));

  test("a turn is its events up to its end, and no other turn's", async () => {
    karta.append(says("before"), "turn_0");
    karta.script = [says("a"), system, says("b")];
    expect((await turn()).map(({ type }) => type)).toEqual(["text", "text", "done"]);
  });

  test("connections that are lost, cut at any byte or cut off: each event once, one end, one turn", async () => {
    const fate = fc.oneof(
      fc.constant<Fate>({ kind: "lost" }),
      fc.record({
        kind: fc.constant("cut" as const),
        bytes: fc.integer({ min: 0, max: 2000 }),
        cleanly: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant("cut_off" as const),
        bytes: fc.integer({ min: 0, max: 2000 }),
        code: fc.constantFrom("slow_consumer", "internal"),
      }),
      fc.constant<Fate>({
        kind: "refused",
        status: 503,
        body: JSON.stringify({ error: "shutting_down", detail: "soon back" }),
      }),
      fc.constant<Fate>({ kind: "refused", status: 502, body: "<html>Bad Gateway</html>" }),
    );
    const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 80 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fate, { maxLength: 8 }), async (words, fates) => {
        await karta.close();
        await start();
        karta.append(says("of another turn"), "turn_0");
        karta.script = words.map(says);
        // The first answer breaks too, but is no refusal: that one would be told at once.
        karta.fates.push({ kind: "lost" }, ...fates);
        const seen = await turn();
        const last = words.length + 3; // the other turn's, and the turn's own message and end
        expect(seqs(seen)).toEqual(upTo(last, 3));
        expect(seen.filter(isTerminal)).toHaveLength(1);
        const said = seen.map((event) => (event.type === "text" ? event.data.part.text : ""));
        expect(said.slice(0, -1)).toEqual(words);
        expect(karta.turns).toBe(1);
      }),
      { numRuns: 60 },
    );
  });

  test("once the turn is known it is read on from the cursor, and not from its beginning", async () => {
    karta.script = upTo(20).map((number) => says(`word ${number}`));
    karta.fates.push({ kind: "cut_off", bytes: 1500, code: "slow_consumer" });
    const changes: string[] = [];
    const seen = await turn({ onConnection: (change) => changes.push(change) });
    expect(seqs(seen)).toEqual(upTo(22, 2));
    expect(changes).toEqual(["open", "lost", "open"]);
    const [post, get, ...more] = karta.requests.map(({ line }) => line);
    expect(post).toBe(`POST /v1/sessions/${karta.session.id}/messages`);
    expect(get).toMatch(/\/events\?after=\d+$/);
    expect(Number(get?.split("=")[1])).toBeGreaterThan(2);
    expect(more).toEqual([]);
  });

  test("another turn's end in between, of one that waited and was cancelled, is not this one's", async () => {
    karta.script = [says("a"), { ...DONE, ofTurn: "turn_9" }, says("b")];
    karta.fates.push({ kind: "cut", bytes: 300, cleanly: false });
    expect((await turn()).map(({ seq, type }) => `${seq} ${type}`)).toEqual(["2 text", "4 text", "5 done"]);
    expect(karta.requests.at(-1)?.line).toContain("/events?after=2");
  });

  test("a POST whose answer is lost is sent again with its key, streamed or not, and so is a creation", async () => {
    karta.fates.push({ kind: "lost" }, { kind: "lost" });
    await turn();
    karta.fates.push({ kind: "lost" }, { kind: "cut", bytes: 10, cleanly: false });
    expect(await client.send(karta.session.id, { text: "hi" })).toMatchObject({ turn_id: "turn_2" });
    expect(karta.turns).toBe(2);
    const keys = karta.requests.map(({ key }) => key);
    expect(keys).toHaveLength(6);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(new Set(keys).size).toBe(2);
    await client.createSession({}, { idempotencyKey: "mine" });
    expect(karta.requests.at(-1)?.key).toBe("mine");
  });

  test("a session's feed goes on where it was, and ends with its signal", async () => {
    for (const number of upTo(30)) karta.append(says(`word ${number}`), `turn_${number % 3}`);
    karta.fates.push(
      { kind: "cut", bytes: 700, cleanly: true },
      { kind: "cut", bytes: 1400, cleanly: false },
      { kind: "lost" },
    );
    const stop = new AbortController();
    const seen: SessionEvent[] = [];
    const reading = (async () => {
      for await (const event of client.events(karta.session.id, { after: 5, signal: stop.signal })) {
        seen.push(event);
        if (event.seq === 30) stop.abort(new Error("enough"));
      }
    })();
    await expect(reading).rejects.toThrow("enough");
    expect(seqs(seen)).toEqual(upTo(30, 6));
  });

  test("a feed without a cursor begins now, and knows where that was when it breaks at once", async () => {
    karta.append(says("before"), null);
    karta.fates.push({ kind: "cut", bytes: 0, cleanly: true });
    const feed = client.events(karta.session.id, {
      onConnection: (change) => {
        if (change === "lost") karta.append(says("while it was away"), null);
      },
    });
    expect((await feed.next()).value).toMatchObject({ seq: 2 });
    await feed.return(undefined);
  });

  test("what Karta refuses is thrown as it was said, and at once", async () => {
    const refused = (status: number, body: object, headers = {}): Fate => ({
      kind: "refused",
      status,
      body: JSON.stringify(body),
      headers,
    });
    karta.fates.push(refused(429, { error: "queue_full", detail: "16 wait" }, { "retry-after": "7" }));
    await expect(turn()).rejects.toMatchObject({
      name: "KartaError",
      code: "queue_full",
      status: 429,
      retryAfterSeconds: 7,
      message: "16 wait",
    });
    karta.fates.push(refused(410, { error: "cursor_expired", detail: "too old", oldest_seq: 12 }));
    const expired = client.events(karta.session.id, { after: 1 }).next();
    await expect(expired).rejects.toMatchObject({ code: "cursor_expired", fields: { oldest_seq: 12 } });
    karta.fates.push(refused(418, { error: "of_a_newer_karta", detail: "short and stout" }));
    await expect(turn()).rejects.toMatchObject({ code: "internal", status: 418, message: "short and stout" });
    expect(karta.requests).toHaveLength(3);
  });

  test("a refusal that comes while it reads on ends it: there is no use in another try", async () => {
    karta.script = upTo(9).map(() => says("word"));
    const gone = JSON.stringify({ error: "not_found", detail: "no such session" });
    karta.fates.push(
      { kind: "cut", bytes: 900, cleanly: true },
      { kind: "refused", status: 404, body: gone },
    );
    await expect(turn()).rejects.toMatchObject({ code: "not_found" });
    karta.fates.push({ kind: "cut_off", bytes: 500, code: "storage_unavailable" });
    await expect(turn()).rejects.toMatchObject({ code: "storage_unavailable" });
  });

  test("a reader whose next events are gone is told from where on there are any", async () => {
    for (const number of upTo(5)) karta.append(says(`word ${number}`), null);
    const gone = JSON.stringify({ error: "cursor_expired", detail: "too old", oldest_seq: 90 });
    karta.fates.push(
      { kind: "cut_off", bytes: 600, code: "cursor_expired" },
      { kind: "refused", status: 410, body: gone },
    );
    await expect(fromAsync(client.events(karta.session.id, { after: 0 }))).rejects.toMatchObject({
      code: "cursor_expired",
      fields: { oldest_seq: 90 },
    });
  });

  test("a Karta that is not there is told at once; one that stays away, when patience is over", async () => {
    await karta.close();
    await start({ ...QUICK, giveUpAfterMs: 20 });
    karta.script = [says("a"), says("b")];
    karta.fates.push({ kind: "cut", bytes: 300, cleanly: false });
    const seen: SessionEvent[] = [];
    const reading = async () => {
      for await (const event of client.stream(karta.session.id, { text: "hi" })) {
        if (seen.push(event) === 1) await karta.close();
      }
    };
    await expect(reading()).rejects.toMatchObject({ name: "ConnectionError" });
    expect(seen.map(({ type }) => type)).toEqual(["text"]);
    await expect(turn()).rejects.toMatchObject({ name: "ConnectionError", failure: "refused" });
    await start();
  });

  test("a connection that falls silent is taken for broken", async () => {
    await karta.close();
    await start({ ...QUICK, silenceMs: 20 });
    for (const word of ["a", "b", "c"]) karta.append(says(word), null);
    const changes: string[] = [];
    const stop = new AbortController();
    const feed = client.events(karta.session.id, {
      after: 0,
      signal: stop.signal,
      onConnection: (change) => {
        changes.push(change);
        if (changes.length === 3) karta.append(says("d"), null);
      },
    });
    const seen: SessionEvent[] = [];
    for await (const event of feed) {
      seen.push(event);
      if (event.seq === 4) break;
    }
    expect(seqs(seen)).toEqual([1, 2, 3, 4]);
    expect(changes.slice(0, 3)).toEqual(["open", "lost", "open"]);
  });

  test("leaving the loop closes the connection, in the middle of a wait too", async () => {
    const feed = client.events(karta.session.id, { after: 0 });
    karta.append(says("a"), null);
    for await (const event of feed) if (event.seq === 1) break;
    const stop = new AbortController();
    karta.fates.push({ kind: "cut", bytes: 0, cleanly: true });
    const waiting = client
      .events(karta.session.id, {
        after: 1,
        signal: stop.signal,
        onConnection: (change) => {
          if (change === "lost") stop.abort();
        },
      })
      .next();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  });
});

/** Array.fromAsync, whose types want more of an iterable. */
async function fromAsync(events: AsyncIterable<SessionEvent>): Promise<SessionEvent[]> {
  const found: SessionEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}
