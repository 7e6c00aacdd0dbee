/** Counts every answer that this process reads by its status, and every request that had none. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { z } from "zod";

const FetchSchema = z.object({ response: z.object({ statusCode: z.int() }) });
const HttpSchema = z.object({ response: z.object({ statusCode: z.int() }) });

export class RequestTally {
  readonly counts = new Map<string, number>();
  readonly #listeners: Readonly<Record<string, (message: unknown) => void>> = {
    "undici:request:headers": (message) => this.#add(String(FetchSchema.parse(message).response.statusCode)),
    "undici:request:error": () => this.#add("broken"),
    "http.client.response.finish": (message) =>
      this.#add(String(HttpSchema.parse(message).response.statusCode)),
    "http.client.request.error": () => this.#add("broken"),
  };

  start(): void {
    for (const [name, listener] of Object.entries(this.#listeners)) subscribe(name, listener);
  }

  stop(): void {
    for (const [name, listener] of Object.entries(this.#listeners)) unsubscribe(name, listener);
  }

  #add(status: string): void {
    this.counts.set(status, (this.counts.get(status) ?? 0) + 1);
  }
}
