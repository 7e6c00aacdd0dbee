/** Times and sizes for people. */

const STEPS = [
  { seconds: 86_400, unit: "d" },
  { seconds: 3600, unit: "h" },
  { seconds: 60, unit: "min" },
  { seconds: 1, unit: "s" },
] as const;

/** A span in its two largest units: `2 h 5 min`, `45 s`. */
export function duration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const step of STEPS) {
    const count = Math.floor(rest / step.seconds);
    rest -= count * step.seconds;
    if (count > 0) parts.push(`${count} ${step.unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

/** `3 min ago`; under ten seconds, and for a clock that runs ahead, `just now`. */
export function ago(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  if (Number.isNaN(seconds)) return "unknown";
  if (seconds < 10) return "just now";
  const step = STEPS.find((candidate) => seconds >= candidate.seconds) ?? STEPS[STEPS.length - 1];
  return step === undefined ? "just now" : `${Math.floor(seconds / step.seconds)} ${step.unit} ago`;
}

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `182 MiB`. */
export function size(bytes: number): string {
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < SIZES.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${index === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${SIZES[index] ?? "B"}`;
}

/** `1 session`, `3 sessions`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** The seconds of `10m` or `2h30m`; null for anything else. */
function secondsIn(text: string): number | null {
  if (!/^(\d+[smhd])+$/.test(text)) return null;
  return [...text.matchAll(/(\d+)([smhd])/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (SECONDS[unit ?? ""] ?? 0),
    0,
  );
}

function dateIn(text: string): number | null {
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : date;
}

/**
 * The moment that `10m`, `2h30m`, or a date names, in milliseconds since the epoch; null when it is none of these.
 */
export function momentBefore(text: string, now: number): number | null {
  const seconds = secondsIn(text);
  return seconds === null ? dateIn(text) : now - seconds * 1000;
}

/** The same for a time to come: `30d` from now. */
export function momentAfter(text: string, now: number): number | null {
  const seconds = secondsIn(text);
  return seconds === null ? dateIn(text) : now + seconds * 1000;
}
