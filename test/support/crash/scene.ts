/**
 * A kartad that dies again and again at points of its work and is started again each time, and a client that repeats the
 * request that was cut. What must hold whenever it dies is looked at in the files that it leaves, before anything can mend
 * them.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { createParser } from "eventsource-parser";
import { packageRoot } from "../../../shared/paths.ts";
import { Random } from "../random.ts";
import { makeHome, type Kartad, type TestHome } from "../kartad.ts";
import { eventually, processesWith } from "../processes.ts";
import { requireRightStore, type Told } from "./right-store.ts";

const NODE_ARGS = [
  "--disable-warning=ExperimentalWarning",
  `--import=${path.join(packageRoot(), "test/fixtures/crash/inject.ts")}`,
];

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** JSON, if it is some. */
  readonly body: unknown;
  readonly bytes: Buffer;
}

export interface CrashPlan {
  /** The number of the point at which it dies first. */
  readonly first: number;
  /** How many more it then passes, on average, until it dies again. */
  readonly every: number;
  /** Makes them from half as many to half as many again: with equal gaps all runs would soon die at the same places. */
  readonly random: Random;
}

export class CrashScene {
  readonly home: TestHome = makeHome();
  /** Events and ends that clients were told of. */
  readonly told: Told = { frames: [], ends: [] };
  /** Where it died. */
  readonly deaths: string[] = [];
  readonly #plan: CrashPlan | null;
  readonly #points: string;
  /** The number of the point at which it dies next. */
  #next: number;
  #kartad: Kartad | null = null;
  /** Deaths since it answered a request or stopped well. */
  #deathsInARow = 0;
  /** While it is brought back; several requests may have been cut. */
  #dying: Promise<void> | null = null;

  /** @param plan null: it never dies */
  constructor(plan: CrashPlan | null) {
    this.#next = plan?.first ?? Infinity;
    this.#plan = plan;
    this.#points = path.join(this.home.folder, "points");
    appendFileSync(this.#points, "");
  }

  /** Every point that was passed so far. */
  get points(): readonly string[] {
    return readFileSync(this.#points, "utf8").split("\n").slice(0, -1);
  }

  /** Starts kartad; again if it dies of it. */
  async start(): Promise<void> {
    const passed = this.points.length;
    const left = this.#next - passed;
    const fate = Number.isFinite(left) ? { KARTA_TEST_CRASH_AT: String(left) } : {};
    const env = { KARTA_TEST_POINTS: this.#points, ...fate };
    try {
      this.#kartad = await this.home.start({ nodeArgs: NODE_ARGS, offline: false, env });
    } catch (error) {
      if (this.points.length < this.#next) throw error; // it failed of itself
      await this.#died();
      await this.start();
    }
  }

  /** SIGTERM; once more if it dies before it has stopped. */
  async stop(): Promise<void> {
    const exit = await this.#kartad?.stop();
    if (exit?.signal !== "SIGKILL") {
      if (exit?.code !== 0) throw new Error(`kartad did not stop well: ${JSON.stringify(exit)}`);
      requireRightStore(this.home.state, this.told);
      this.#deathsInARow = 0;
      return;
    }
    await this.#died();
    await this.start();
    await this.stop();
  }

  /** Asks over the operator's socket. A request that is cut by kartad's death is repeated once it is back. */
  async ask(
    method: string,
    route: string,
    body?: unknown,
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<Answer> {
    const asked = this.#kartad;
    try {
      const answer = await this.#request(method, route, body, headers);
      this.#deathsInARow = 0;
      return answer;
    } catch (error) {
      if (asked === null) throw error;
      const { signal, stderr } = await asked.exited;
      if (signal !== "SIGKILL") throw new Error(`kartad ended by itself: ${stderr}`, { cause: error });
      this.#dying ??= this.#died()
        .then(() => this.start())
        .finally(() => (this.#dying = null));
      await this.#dying;
      return this.ask(method, route, body, headers);
    }
  }

  async remove(): Promise<void> {
    await this.home.remove();
  }

  async #died(): Promise<void> {
    const passed = this.points;
    const diedAt = passed.at(-1) ?? "?";
    const answered = passed.slice(0, -1).findLast((name) => name.includes("the answer to")) ?? "the start";
    this.deaths.push(`${diedAt}, since ${answered}`);
    // A start and what a request does before its first lasting step may be more points than lie between two deaths: the
    // next would be the same for ever. From the third in a row on it lives twice as long each time.
    this.#deathsInARow += 1;
    const longer = 2 ** Math.max(0, this.#deathsInARow - 2);
    const { every, random } = this.#plan ?? { every: Infinity, random: new Random(0) };
    const gap = Math.ceil(every * (0.5 + random.next()));
    this.#next = Math.max(this.#next, passed.length) + gap * longer;
    const children = readdirOf(path.join(this.home.state, "run", "processes"));
    await eventually(
      () => processesWith(this.home.folder, ...children).length === 0,
      `no process is left after its death ${diedAt}`,
    );
    if (existsSync(path.join(this.home.state, "karta.db"))) requireRightStore(this.home.state, this.told);
  }

  #request(method: string, route: string, body: unknown, headers: http.OutgoingHttpHeaders): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = http.request(
        {
          socketPath: this.home.socket,
          method,
          path: route,
          agent: false,
          headers: {
            ...(body === undefined || Buffer.isBuffer(body) ? {} : { "content-type": "application/json" }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          const parser = createParser({
            onEvent: ({ id, data }) => {
              // Karta's own events have their seq as id; other APIs' have none.
              if (id !== undefined && /^\d+$/.test(id)) this.told.frames.push(data);
            },
          });
          const isStream = response.headers["content-type"]?.startsWith("text/event-stream") === true;
          response.on("data", (chunk: Buffer) => {
            chunks.push(chunk);
            if (isStream) parser.feed(chunk.toString());
          });
          response.once("error", reject);
          response.once("close", () => {
            if (!response.complete) {
              reject(new Error("the answer was cut"));
              return;
            }
            const bytes = Buffer.concat(chunks);
            const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
            const answer: Answer = {
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: isJson ? JSON.parse(bytes.toString()) : null,
              bytes,
            };
            resolve(answer);
          });
        },
      );
      asked.once("error", reject);
      asked.end(body === undefined ? undefined : Buffer.isBuffer(body) ? body : JSON.stringify(body));
    });
  }
}

function readdirOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
