/** Whether a sandbox can be made where the tests run. */
import { Sandbox } from "../../daemon/process/sandbox.ts";

/** @returns null: it can; else why not */
export async function sandboxHere(): Promise<string | null> {
  const sandbox = new Sandbox({
    searchPath: process.env.PATH ?? "",
    platform: process.platform,
    hidden: [],
  });
  const state = await sandbox.probe();
  return state.kind === "available" ? null : state.detail;
}
