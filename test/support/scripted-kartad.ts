/** A real kartad whose agents do what each message orders (`test/fixtures/scripted-kartad/order.ts`). */
import path from "node:path";
import { packageRoot } from "../../shared/paths.ts";
import type { Kartad, StartOptions, TestHome } from "./kartad.ts";

function nodeArgs(injected: string): string[] {
  return [
    "--expose-gc",
    "--disable-warning=ExperimentalWarning",
    `--import=${path.join(packageRoot(), "test/fixtures/scripted-kartad", injected)}`,
  ];
}

export function startScripted(home: TestHome, options: StartOptions = {}): Promise<Kartad> {
  return home.start({ ...options, nodeArgs: nodeArgs("inject.ts") });
}

/** Only projects of type `goose` have scripted agents; all others the real ones. */
export function startBeside(home: TestHome): Promise<Kartad> {
  return home.start({ nodeArgs: nodeArgs("inject-beside.ts") });
}

/** The first start of a home: registers its one project too. */
export async function beginScripted(home: TestHome, options: StartOptions = {}): Promise<Kartad> {
  const kartad = await startScripted(home, options);
  await home.operator.addProject(home.project("bot", { "CLAUDE.md": "# Bot" }), "bot");
  return kartad;
}
