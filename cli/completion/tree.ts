/** What can be typed after `karta`, read from oclif's own description of the commands. */
import type { Config } from "@oclif/core/config";
import { oneLine } from "../render/harmless.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export interface TypedFlag {
  /** `type`, without the dashes. */
  readonly name: string;
  /** `f`, where there is a short form. */
  readonly char: string | null;
  readonly summary: string;
  /** Null: it takes none. Empty: it takes any. */
  readonly values: readonly string[] | null;
  readonly repeats: boolean;
  /** Several values in one word, parted by commas. */
  readonly isList: boolean;
}

/** A command, or a word that begins several. */
export interface TypedCommand {
  /** `sessions tail`; empty for `karta` itself. */
  readonly path: string;
  readonly summary: string;
  readonly flags: readonly TypedFlag[];
  /** What its first argument can be, where that is a short list. */
  readonly values: readonly string[];
}

export type CommandTree = readonly TypedCommand[];

const HELP: TypedFlag = flag("help", "Show help.", "h");
const VERSION: TypedFlag = flag("version", "Show the version.", "V");

/** Every command and every topic, `karta` itself first. */
export function commandTree(config: Pick<Config, "commands" | "topics">): CommandTree {
  const isCommand = new Set(config.commands.map(({ id }) => id));
  const topics = config.topics
    .filter(({ name }) => !isCommand.has(name))
    .map(({ name, description }) => ({
      path: typed(name),
      summary: oneLine(description ?? ""),
      flags: [HELP],
      values: [],
    }));
  const commands = config.commands.filter(({ hidden }) => !hidden).map(typedCommand);
  const root = { path: "", summary: "", flags: [HELP, VERSION], values: [] };
  return [root, ...[...topics, ...commands].sort((a, b) => (a.path < b.path ? -1 : 1))];
}

/** The commands whose path is one word longer. */
export function below({ path }: TypedCommand, tree: CommandTree): readonly TypedCommand[] {
  const start = path === "" ? "" : `${path} `;
  return tree.filter(
    (other) =>
      other.path !== "" && other.path.startsWith(start) && lastWord(other) === other.path.slice(start.length),
  );
}

/** How each word leads on: `:sessions` to `sessions`, `sessions:tail` to `sessions tail`. */
export function steps(tree: CommandTree): readonly { readonly from: string; readonly to: string }[] {
  return tree.flatMap((command) =>
    below(command, tree).map((next) => ({ from: `${command.path}:${lastWord(next)}`, to: next.path })),
  );
}

export function lastWord({ path }: TypedCommand): string {
  return path.slice(path.lastIndexOf(" ") + 1);
}

/** `--type`, `-t`. */
export function forms({ name, char }: TypedFlag): string[] {
  return char === null ? [`--${name}`] : [`--${name}`, `-${char}`];
}

/** For the quotes of bash and zsh. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function typedCommand(command: Config["commands"][number]): TypedCommand {
  const flags = Object.values(command.flags).filter(({ hidden }) => !hidden);
  const [first] = Object.values(command.args);
  return {
    path: typed(command.id),
    summary: oneLine(command.summary ?? ""),
    flags: [...flags.flatMap(typedFlags), HELP],
    values: first?.options ?? [],
  };
}

/** A flag, and its `--no-` form where it has one. */
function typedFlags(declared: Config["commands"][number]["flags"][string]): TypedFlag[] {
  const summary = oneLine(declared.summary ?? declared.description ?? "");
  const { name, char = null } = declared;
  if (declared.type === "boolean") {
    const plain = flag(name, summary, char);
    return declared.allowNo ? [plain, flag(`no-${name}`, summary, null)] : [plain];
  }
  const { options = [], multiple = false, delimiter } = declared;
  return [{ name, char, summary, values: options, repeats: multiple, isList: delimiter !== undefined }];
}

function flag(name: string, summary: string, char: string | null): TypedFlag {
  return { name, char, summary, values: null, repeats: false, isList: false };
}

function typed(id: string): string {
  return id.replaceAll(":", " ");
}
