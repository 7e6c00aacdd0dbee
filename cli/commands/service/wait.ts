import * as Flags from "@oclif/core/flags";
import { setTimeout as delay } from "node:timers/promises";
import { KartaCommand } from "../../base-command.ts";
import { CliError } from "../../client/errors.ts";
import { POLL_MS, runningStatus } from "../../kartad/start.ts";
import { isAlive } from "../../kartad/stop.ts";

export default class ServiceWait extends KartaCommand {
  static override hidden = true;
  static override summary = "Wait until the kartad of a service answers.";
  static override description =
    "What the systemd unit runs after kartad, so that it counts as started when it answers and as failed when it ends.";
  static override examples = ["<%= config.bin %> service wait --pid 1234"];
  static override flags = {
    pid: Flags.integer({ required: true, min: 1, summary: "kartad's process." }),
    timeout: Flags.integer({ min: 1, default: 100, summary: "Seconds to wait." }),
  };

  async run(): Promise<{ pid: number }> {
    const { flags } = await this.parse(ServiceWait);
    const client = this.connect(flags);
    const over = new AbortController();
    const { signal } = over;
    // The socket is systemd's and never refuses: a kartad that has ended would leave the question open for ever.
    const watching = watch(flags.pid, flags.timeout, over);
    try {
      while (!signal.aborted) {
        const status = await runningStatus(client, signal).catch(() => null);
        if (status?.pid === flags.pid) return { pid: flags.pid };
        await delay(POLL_MS);
      }
    } finally {
      over.abort();
      await watching;
    }
    if (isAlive(flags.pid))
      throw new CliError("timed_out", `kartad has not answered within ${flags.timeout} s`);
    throw new CliError("start_failed", "kartad ended before it answered; the lines above say why");
  }
}

async function watch(pid: number, timeoutSeconds: number, over: AbortController): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  while (!over.signal.aborted && !deadline.aborted && isAlive(pid)) await delay(POLL_MS);
  over.abort();
}
