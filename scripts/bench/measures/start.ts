/** How long kartad and `karta` take to be of use, against the least that their frameworks can do. */
import path from "node:path";
import { KARTAD_NODE_OPTIONS } from "../../../shared/node-options.ts";
import { contender, interleave, type Contender } from "../interleave.ts";
import { homeEnvironment, startKartad } from "../karta/bench-kartad.ts";
import type { Line, Measure } from "../measure.ts";
import { kartaFiles } from "../project-files.ts";
import { median } from "../statistics.ts";
import { freePort, timeToEnd, timeToReady } from "../time-start.ts";

const SAMPLES = 15;
const BASELINE = path.join(import.meta.dirname, "../baseline");

export const start: Measure = {
  name: "start",
  about: "kartad to /readyz against a bare express; karta project list against a bare oclif",
  run: async ({ root, samples, scope }) => {
    const daemonEnv = homeEnvironment(scope.folder());
    const kartad = contender(async () => {
      const port = await freePort();
      const kartad = [
        path.join(root, "daemon/bin/kartad.js"),
        "--offline",
        "--quiet",
        "--port",
        String(port),
      ];
      return timeToReady(scope, port, { args: [...KARTAD_NODE_OPTIONS, ...kartad], env: daemonEnv });
    });
    const express = contender(async () => {
      const port = await freePort();
      return timeToReady(scope, port, { args: [path.join(BASELINE, "express-hello.mjs"), String(port)] });
    });

    const listed = await startKartad({ root, scope });
    await listed.addProject("bench", kartaFiles());
    const karta = contender(() =>
      timeToEnd({ args: [path.join(root, "cli/bin/karta.js"), "project", "list"], env: listed.env }),
    );
    const oclif = contender(() =>
      timeToEnd({ args: [path.join(BASELINE, "oclif-hello/main.mjs"), "hello"] }),
    );
    await interleave(1, [kartad, express, karta, oclif]); // files come into the machine's memory
    for (const { samples: taken } of [kartad, express, karta, oclif]) taken.length = 0;
    await interleave(samples ?? SAMPLES, [kartad, express, karta, oclif]);
    return [
      finding("start: kartad to /readyz ÷ bare express", express, kartad, 4),
      finding("start: karta project list ÷ bare oclif", oclif, karta, 1.7),
    ];
  },
};

function finding(measure: string, baseline: Contender, karta: Contender, atMost: number): Line {
  return {
    measure,
    unit: "ms",
    baseline: median(baseline.samples),
    karta: median(karta.samples),
    budget: { on: "ratio", atMost },
    samples: { baseline: baseline.samples, karta: karta.samples },
  };
}
