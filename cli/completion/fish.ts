/** Completion for fish: one `complete` for each thing that can be typed. */
import { below, lastWord, steps, type CommandTree, type TypedCommand, type TypedFlag } from "./tree.ts";

export function fishCompletion(tree: CommandTree): string {
  return `# Completion of karta for fish. In ~/.config/fish/config.fish: karta completion fish | source
function __karta_at --argument-names wanted
    set -l command ''
    for word in (commandline -opc)[2..-1]
        switch "$command:$word"
${steps(tree)
  .map(({ from, to }) => `            case ${quoted(from)}\n                set command ${quoted(to)}`)
  .join("\n")}
        end
    end
    test "$command" = "$wanted"
end
${tree.flatMap((command) => offers(command, tree)).join("\n")}
`;
}

function offers(command: TypedCommand, tree: CommandTree): string[] {
  const at = `complete -c karta -n ${quoted(`__karta_at ${quoted(command.path)}`)}`;
  return [
    ...below(command, tree).map((next) => `${at} -f -a ${lastWord(next)} -d ${quoted(next.summary)}`),
    ...(command.values.length === 0 ? [] : [`${at} -f -a ${quoted(command.values.join(" "))}`]),
    ...command.flags.map((flag) => `${at} ${flagText(flag)}`),
  ];
}

function flagText({ name, char, summary, values }: TypedFlag): string {
  const parts = [`-l ${name}`];
  if (char !== null) parts.push(`-s ${char}`);
  if (values !== null) parts.push("-r");
  if (values !== null && values.length > 0) parts.push(`-f -a ${quoted(values.join(" "))}`);
  return [...parts, `-d ${quoted(summary)}`].join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
