/**
 * How many requests an address may send. Each request moves the address's next free slot on by its interval, and is
 * refused when that slot lies more than a burst ahead (the generic cell rate algorithm): one number an address.
 */
import { isIPv6 } from "node:net";
import type { RequestHandler } from "express";
import { KartaError } from "../../shared/errors.ts";

/** So many seconds' worth of requests may come at once. */
const BURST_SECONDS = 10;
/** Addresses kept in mind, about 1 MB; beyond, the one that was silent longest is forgotten. */
const MAX_ADDRESSES = 10_000;

/** Supervisors and load balancers must not take a busy daemon for a dead one. */
const EXEMPT: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

export class RequestRate {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #refusal: (perSecond: number) => string;
  /** Client → when its next free slot begins, in milliseconds; the most recently active last. */
  readonly #slots = new Map<string, number>();

  /**
   * @param now milliseconds of a clock that never goes back
   * @param refusal what one too many is told
   */
  constructor(
    perSecond: number,
    now: () => number = () => performance.now(),
    refusal: (perSecond: number) => string = tooManyRequests,
  ) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#refusal = refusal;
  }

  /** Clients that are kept in mind. */
  get size(): number {
    return this.#slots.size;
  }

  /** Counts a request. @throws KartaError `rate_limited`; then it is not counted */
  admit(address: string): void {
    const client = clientOf(address);
    const interval = 1000 / this.#perSecond;
    const now = this.#now();
    const slot = Math.max(now, this.#slots.get(client) ?? 0);
    const wait = slot + interval - now - BURST_SECONDS * 1000;
    if (wait > 0) {
      throw new KartaError("rate_limited", this.#refusal(this.#perSecond), {
        retryAfterSeconds: Math.ceil(wait / 1000),
      });
    }
    this.#slots.delete(client);
    this.#slots.set(client, slot + interval);
    const [oldest] = this.#slots.size > MAX_ADDRESSES ? this.#slots.keys() : [];
    if (oldest !== undefined) this.#slots.delete(oldest);
  }
}

function tooManyRequests(perSecond: number): string {
  return `more than ${perSecond} requests a second come from this address; slow down, or raise requests_per_second in kartad.toml`;
}

/** How many bad credentials an address may present: so many a second on average. */
export function failureRate(perSecond: number): RequestRate {
  return new RequestRate(
    perSecond,
    () => performance.now(),
    () => "too many bad credentials come from this address; wait, and send a good one",
  );
}

/** @throws KartaError `rate_limited` */
export function limitRate(rate: RequestRate): RequestHandler {
  return (request, _response, next) => {
    const address = request.socket.remoteAddress; // undefined: gone already, nobody reads the answer
    if (address !== undefined && !EXEMPT.has(request.path)) rate.admit(address);
    next();
  };
}

/** Who an address stands for: an IPv4 host, or an IPv6 network of 64 bits, which one subscriber has to themself. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail = ""] = address.split("::");
  const [left, right] = [head, tail].map((part) => (part === "" ? [] : part.split(":")));
  const zeros = Array<string>(8 - (left?.length ?? 0) - (right?.length ?? 0)).fill("0");
  const network = [...(left ?? []), ...zeros, ...(right ?? [])].slice(0, 4);
  return network.map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}
