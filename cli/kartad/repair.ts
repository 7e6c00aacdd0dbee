/** `karta doctor --repair`: the one thing that the doctor mends by itself, a damaged store. */
import { resolve } from "node:path";
import { RepairReportSchema } from "../../shared/protocol/control.ts";
import type { DoctorCheck } from "../../shared/protocol/doctor.ts";
import { kartadOnce } from "./one-shot.ts";

/**
 * Sets a damaged store aside. Nothing of it is thrown away.
 * @returns what was done, as the doctor says it
 * @throws CliError `already_running` while a kartad holds the store
 */
export async function repairStore(home: string | undefined): Promise<DoctorCheck> {
  const args = home === undefined ? [] : ["--home", resolve(home)];
  const { state, problems, kept } = await kartadOnce([...args, "--repair"], RepairReportSchema);
  const name = "store";
  switch (state) {
    case "absent":
      return { name, state: "note", found: "there is none; nothing to repair", fix: null };
    case "whole":
      return { name, state: "ok", found: "it is whole; nothing to repair", fix: null };
    case "set_aside":
      return {
        name,
        state: "note",
        found: `it was damaged (${problems.join("; ")}) and is kept in ${kept ?? "the state folder"}`,
        fix: "`karta restore FILE` brings a backup back; else the next start begins a new store: add projects and keys again",
      };
  }
}
