/** What every command shares: the client, `--socket`, `--json`, and the ways to print. */
import { Command } from "@oclif/core/command";
import * as Flags from "@oclif/core/flags";
import { KartaError } from "../shared/errors.ts";
import { packageVersion, socketPath } from "../shared/paths.ts";
import { KartaClient } from "./client/client.ts";
import { badUsage } from "./client/errors.ts";
import { environment, terminalColumns } from "./environment.ts";
import { harmlessJson, onlyColoured } from "./render/harmless.ts";
import { painter, wantsColour, type Paint } from "./render/paint.ts";
import { colourPreference } from "./preferences.ts";
import { table, type Column } from "./render/table.ts";

/** `run()` returns what `--json` prints; what it prints for people goes through `print`, which `--json` silences. */
export abstract class KartaCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    socket: Flags.string({
      summary: "kartad's control socket.",
      env: "KARTA_SOCKET",
      helpValue: "PATH",
      helpGroup: "GLOBAL",
    }),
  };

  protected paint: Paint = painter(false);

  protected override async init(): Promise<void> {
    await super.init();
    this.paint = painter(
      wantsColour({
        env: environment.env,
        isTTY: process.stdout.isTTY,
        preference: await colourPreference(),
      }),
    );
  }

  /** A client for the socket that the flags or the environment name. */
  protected connect(flags: { readonly socket?: string | undefined }): KartaClient {
    const own = packageVersion();
    let told = false;
    return new KartaClient({
      socket: this.socket(flags),
      onVersion: (version) => {
        if (version === own || told) return;
        told = true;
        this.note(
          `warning: this is karta ${own} and kartad is ${version}; \`karta restart\` brings them together`,
        );
      },
    });
  }

  /** The absolute path of the control socket. */
  protected socket(flags: { readonly socket?: string | undefined }): string {
    const env =
      flags.socket === undefined ? environment.env : { ...environment.env, KARTA_SOCKET: flags.socket };
    try {
      return socketPath({ ...environment, env });
    } catch (error) {
      // A path over the platform's limit is the user's to mend, so it counts as bad usage here.
      throw error instanceof KartaError ? badUsage(error.message) : error;
    }
  }

  /** A line for people on stdout; nothing with `--json`. */
  protected print(text: string): void {
    if (!this.jsonEnabled()) process.stdout.write(`${onlyColoured(text)}\n`);
  }

  /** A remark on stderr, with `--json` too: stdout holds data alone. */
  protected note(text: string): void {
    process.stderr.write(`${onlyColoured(text)}\n`);
  }

  protected printTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    this.print(table(rows, columns, { paint: this.paint, columns: terminalColumns() }));
  }

  /** What a live feed says when the daemon goes and comes. */
  protected noteChange(change: "gone" | "back"): void {
    this.note(change === "gone" ? "kartad went away; waiting" : "kartad is back");
  }

  /** The same for a turn's stream, whose first connection is nothing to speak of. */
  protected connectionNotes(): (change: "open" | "lost") => void {
    let isAway = false;
    return (change) => {
      if (change === "lost") this.noteChange("gone");
      else if (isAway) this.noteChange("back");
      isAway = change === "lost";
    };
  }

  /** One JSON value on one line, for commands that print a stream of them. */
  protected printJsonLine(value: unknown): void {
    process.stdout.write(`${harmlessJson(JSON.stringify(value))}\n`);
  }

  /** Plain JSON: oclif's own would colour it. */
  protected override logJson(json: unknown): void {
    process.stdout.write(`${harmlessJson(JSON.stringify(json, null, 2))}\n`);
  }

  /** Errors are reported in one place, by main.ts. */
  protected override catch(error: Error): Promise<never> {
    return Promise.reject(error);
  }
}
