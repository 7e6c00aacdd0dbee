/** The measures, in the order they run. */
import type { Measure } from "../measure.ts";
import { relayLatency } from "./relay-latency.ts";

export const MEASURES: readonly Measure[] = [relayLatency];
