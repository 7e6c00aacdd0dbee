/** What the public plane puts up with of one client, and of all: `[limits]` of kartad.toml. */
import { z } from "zod";

const KIB = 1024;
const MIB = 1024 * KIB;

const seconds = z.number().min(1).max(3600);

/** Every key optional, unknown keys refused. */
export const LimitsSchema = z
  .strictObject({
    /** 200,000 characters of text, each up to six bytes as a JSON escape, and room for the rest. */
    max_body_bytes: z
      .int()
      .min(KIB)
      .max(64 * MIB)
      .default(2 * MIB),
    /** The request line and all headers together. */
    max_header_bytes: z
      .int()
      .min(4 * KIB)
      .max(MIB)
      .default(16 * KIB),
    /** Path and query. */
    max_url_bytes: z
      .int()
      .min(KIB)
      .max(MIB)
      .default(8 * KIB),
    /** A stream is a connection: as many can be watched at once. */
    max_connections: z.int().min(1).max(65_536).default(2048),
    headers_timeout_seconds: seconds.default(15),
    /** Headers and body together; an answer may take as long as a turn does. */
    request_timeout_seconds: seconds.default(60),
    /** Longer than the 60 s of the usual proxies: the side that closes first must be the one that sends requests. */
    keep_alive_seconds: seconds.default(75),
    /**
     * Of one address, on average; ten seconds' worth may come at once. An address is often the operator's own server,
     * with all its users behind it: thousands who send a message every few seconds stay below, and long before them the
     * agent processes are taken. Who reaches it is a loop that got out of hand.
     */
    requests_per_second: z.number().min(0.1).max(1_000_000).default(1000),
    /** Of one address, counted likewise. Nobody guesses a key; this keeps those who try from costing much. */
    failed_credentials_per_second: z.number().min(0.1).max(1_000_000).default(50),
  })
  .refine((limits) => limits.max_url_bytes < limits.max_header_bytes, {
    path: ["max_url_bytes"],
    error: "expected less than max_header_bytes, which holds the URL too",
  })
  .refine((limits) => limits.headers_timeout_seconds <= limits.request_timeout_seconds, {
    path: ["headers_timeout_seconds"],
    error: "expected at most request_timeout_seconds, which holds the headers' time too",
  });

export type Limits = z.output<typeof LimitsSchema>;

export const DEFAULT_LIMITS: Limits = LimitsSchema.parse({});
