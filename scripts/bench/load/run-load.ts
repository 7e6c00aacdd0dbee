/** Runs a load client in a process of its own, so that its work is not the measured one's. */
import path from "node:path";
import { execa } from "execa";
import type { Scope } from "../scope.ts";
import { SightSchema, type Plan, type Sight } from "./plan.ts";

/** @throws Error with the client's own words when a turn failed */
export async function runLoad(scope: Scope, plan: Plan): Promise<Sight> {
  const client = execa(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      path.join(import.meta.dirname, "client.ts"),
      JSON.stringify(plan),
    ],
    { stdin: "ignore", reject: false },
  );
  scope.onEnd(() => void client.kill("SIGKILL"));
  const { exitCode, stdout, stderr } = await client;
  if (exitCode !== 0) throw new Error(`the load client failed: ${stderr}`);
  return SightSchema.parse(JSON.parse(stdout));
}
