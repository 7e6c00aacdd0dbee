/**
 * `npm run bench`: Karta held against a plain script on the same machine, in the same minutes. Builds, runs the measures
 * one after the other, prints a table and writes bench-results.json. The exit code is 0 whatever the figures say.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { styleText } from "node:util";
import { execa } from "execa";
import { packageRoot } from "../../shared/paths.ts";
import { readFlags, usage, type Flags } from "./flags.ts";
import { isSkipped, type Line } from "./measure.ts";
import { MEASURES } from "./measures/registry.ts";
import { resultsOf } from "./report/results.ts";
import { renderTable } from "./report/table.ts";
import { Scope } from "./scope.ts";

const root = packageRoot();
/** What the running measure started. */
let scope = new Scope();
const interrupted = new AbortController();

function say(text: string): void {
  process.stderr.write(`${styleText("dim", text)}\n`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
    say("stopping…");
    void scope.end().then(() => process.exit(130));
  });
}

async function bench(flags: Flags): Promise<void> {
  say("building…");
  await execa("node", ["scripts/build.ts"], { cwd: root, stdio: ["ignore", 2, 2], preferLocal: true });
  const lines: Line[] = [];
  for (const { name, run } of flags.measures) {
    const startedAt = performance.now();
    say(`${name}…`);
    scope = new Scope();
    try {
      lines.push(...(await run({ root, samples: flags.samples, scope, say: (text) => say(`  ${text}`) })));
    } catch (error) {
      if (interrupted.signal.aborted) return;
      lines.push({ measure: name, skipped: error instanceof Error ? error.message : String(error) });
    } finally {
      if (!interrupted.signal.aborted) await scope.end();
    }
    say(`  ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  }
  const results = JSON.stringify(resultsOf(lines), null, 2);
  writeFileSync(path.join(root, "bench-results.json"), `${results}\n`);
  if (flags.json) {
    console.log(results);
    return;
  }
  console.log(`\n${renderTable(lines)}\n`);
  for (const line of lines) {
    if (!isSkipped(line) && line.note !== undefined)
      console.log(styleText("dim", `${line.measure}: ${line.note}`));
  }
}

try {
  const flags = readFlags(process.argv.slice(2), MEASURES);
  if (flags.help) console.log(usage(MEASURES));
  else await bench(flags);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
// The SDK may keep a handle of a process that has ended.
if (!interrupted.signal.aborted) process.exit();
