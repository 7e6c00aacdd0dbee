import path from "node:path";
import * as Args from "@oclif/core/args";
import { KartaCommand } from "../base-command.ts";
import { badUsage } from "../client/errors.ts";
import { bashCompletion } from "../completion/bash.ts";
import { fishCompletion } from "../completion/fish.ts";
import { commandTree, SHELLS, type CommandTree, type Shell } from "../completion/tree.ts";
import { zshCompletion } from "../completion/zsh.ts";
import { environment } from "../environment.ts";

const SCRIPTS: Readonly<Record<Shell, (tree: CommandTree) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export default class Completion extends KartaCommand {
  static override summary = "Print a shell's completion script.";
  static override description =
    "Commands, flags and the values that flags take. It is made of this karta's own commands, so a script that is sourced at the shell's start is never out of date.";
  static override examples = [
    "source <(<%= config.bin %> completion bash)   # in ~/.bashrc",
    "source <(<%= config.bin %> completion zsh)    # in ~/.zshrc, after compinit",
    "<%= config.bin %> completion fish | source    # in ~/.config/fish/config.fish",
  ];
  static override args = {
    shell: Args.string({
      ignoreStdin: true,
      options: [...SHELLS],
      description: "the shell; without it, the one that $SHELL names",
    }),
  };

  async run(): Promise<{ shell: Shell; script: string }> {
    const { args } = await this.parse(Completion);
    const shell = readShell(args.shell ?? path.basename(environment.env.SHELL ?? ""));
    const script = SCRIPTS[shell](commandTree(this.config));
    this.print(script.trimEnd());
    return { shell, script };
  }
}

/** @throws CliError `bad_usage` for a shell of $SHELL's that there is no script for */
function readShell(name: string): Shell {
  const shell = SHELLS.find((known) => known === name);
  if (shell === undefined) throw badUsage(`name the shell: ${SHELLS.join(", ")}`);
  return shell;
}
