/** Where `karta doctor` has its facts from: the running kartad, one that only looks, and the CLI itself. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DoctorReportSchema, type DoctorCheck, type DoctorReport } from "../../shared/protocol/doctor.ts";
import type { KartaClient } from "../client/client.ts";
import { NoDaemonError, WentAwayError } from "../client/errors.ts";
import { routes } from "../client/routes.ts";
import { installedServices, type ServiceManager } from "../service/service.ts";
import { kartadCommand } from "./replace.ts";

/** It starts each harness's program for a moment: seconds, and more on a machine that is busy. */
const LOOK_TIMEOUT_MS = 120_000;
const OLDEST_NODE = 24;

/** `answers`: it is the running kartad's; false: none runs, and one was started that only looked. */
export async function askKartad(
  client: KartaClient,
): Promise<{ readonly report: DoctorReport; readonly answers: boolean }> {
  try {
    return { report: await client.call(routes.doctor), answers: true };
  } catch (error) {
    if (!(error instanceof NoDaemonError || error instanceof WentAwayError)) throw error;
    return { report: await lookInItsPlace(), answers: false };
  }
}

/** A kartad that cannot even look is a finding too. */
async function lookInItsPlace(): Promise<DoctorReport> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, kartadCommand(["--doctor"]), {
      timeout: LOOK_TIMEOUT_MS,
    });
    return DoctorReportSchema.parse(JSON.parse(stdout));
  } catch (error) {
    const said =
      typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr).trim() : "";
    const found = said === "" ? "it could not look around" : said;
    return {
      checks: [{ name: "kartad", state: "problem", found, fix: "mend what it says, then run this again" }],
    };
  }
}

/** What the CLI knows without anybody's help. */
export async function ownChecks(socket: string, answers: boolean): Promise<DoctorCheck[]> {
  const isNewEnough = Number(process.versions.node.split(".")[0]) >= OLDEST_NODE;
  return [
    {
      name: "Node",
      state: isNewEnough ? "ok" : "problem",
      found: `${process.versions.node} at ${process.execPath}`,
      fix: isNewEnough ? null : `Karta needs Node ${OLDEST_NODE} or newer`,
    },
    answers
      ? { name: "socket", state: "ok", found: `kartad answers on ${socket}`, fix: null }
      : {
          name: "socket",
          state: "note",
          found: `no kartad answers on ${socket}`,
          fix: "start one with `karta start`, or `karta serve` to watch it",
        },
    ...(await serviceChecks()),
  ];
}

async function serviceChecks(): Promise<DoctorCheck[]> {
  const managers = installedServices();
  if (managers.length > 0) return Promise.all(managers.map((manager) => serviceCheck(manager)));
  return [
    {
      name: "service",
      state: "note",
      found: "not installed",
      fix: "`karta service install` keeps kartad running",
    },
  ];
}

async function serviceCheck(manager: ServiceManager): Promise<DoctorCheck> {
  const { state, gone, notes } = await manager.state();
  const failed = gone.length > 0 || (state?.startsWith("failed") ?? false);
  return {
    name: "service",
    state: failed ? "problem" : state === null ? "note" : "ok",
    found: `${manager.unit}: ${state ?? "its state is not known"}`,
    fix: notes.length === 0 ? null : notes.join("; "),
  };
}
