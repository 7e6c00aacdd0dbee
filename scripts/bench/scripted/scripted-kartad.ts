/** A real kartad whose harness is scripted, and the figures that only it can give. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { startKartad, type BenchKartad } from "../karta/bench-kartad.ts";
import type { MeasureContext } from "../measure.ts";
import { kartaFiles } from "../project-files.ts";

const FiguresSchema = z.object({
  /** Microseconds of processor time since its start. */
  cpu: z.object({ user: z.number(), system: z.number() }),
  rss: z.number(),
  heapUsed: z.number(),
});
export type Figures = z.infer<typeof FiguresSchema>;

export interface ScriptedKartad extends BenchKartad {
  figures(): Promise<Figures>;
  /** The same, after a garbage collection. */
  figuresAfterCollection(): Promise<Figures>;
}

/** @param agents how many may run at once */
export async function startScriptedKartad(
  { root, scope }: Pick<MeasureContext, "root" | "scope">,
  agents: number,
): Promise<ScriptedKartad> {
  const home = scope.folder();
  const state = path.join(home, "state");
  mkdirSync(state);
  writeFileSync(path.join(state, "kartad.toml"), `max_processes = ${agents}\n`);
  const inject = path.join(import.meta.dirname, "inject.ts");
  const kartad = await startKartad({
    root,
    scope,
    home,
    nodeArgs: ["--expose-gc", `--import=${inject}`],
  });
  await kartad.addProject("bench", kartaFiles({ maxProcesses: agents }));
  return {
    ...kartad,
    figures: async () => FiguresSchema.parse(await kartad.ask("figures")),
    figuresAfterCollection: async () => FiguresSchema.parse(await kartad.ask("collect garbage")),
  };
}

/** Microseconds of processor time between two readings. */
export function cpuBetween(before: Figures, after: Figures): number {
  return after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system;
}
