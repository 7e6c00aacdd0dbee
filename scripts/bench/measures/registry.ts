/** The measures, in the order they run. */
import type { Measure } from "../measure.ts";
import { adapterFirstToken } from "./adapter-first-token.ts";
import { appCode } from "./app-code.ts";
import { laterTurn } from "./later-turn.ts";
import { memory } from "./memory.ts";
import { newSession } from "./new-session.ts";
import { relayCost } from "./relay-cost.ts";
import { relayLatency } from "./relay-latency.ts";
import { resume } from "./resume.ts";
import { start } from "./start.ts";
import { streams } from "./streams.ts";

export const MEASURES: readonly Measure[] = [
  relayLatency,
  newSession,
  laterTurn,
  adapterFirstToken,
  resume,
  relayCost,
  streams,
  memory,
  appCode,
  start,
];
