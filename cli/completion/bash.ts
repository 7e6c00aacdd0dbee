/** Completion for bash 3.2 and newer, which needs nothing but bash itself. */
import {
  below,
  forms,
  lastWord,
  singleQuoted as quoted,
  steps,
  type CommandTree,
  type TypedCommand,
} from "./tree.ts";

export function bashCompletion(tree: CommandTree): string {
  return `# Completion of karta for bash. In ~/.bashrc: source <(karta completion bash)
_karta() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= words= list= i
  # bash parts --flag=value at the = and makes it a word.
  if [[ $cur == "=" ]]; then cur=; elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command:\${COMP_WORDS[i]}" in
${steps(tree)
  .map(({ from, to }) => `    ${quoted(from)}) command=${quoted(to)} ;;`)
  .join("\n")}
    esac
  done
  case "$command $prev" in
${tree.flatMap(flagValues).join("\n")}
  *)
    case "$command" in
${tree.map((command) => words(command, tree)).join("\n")}
    esac
    ;;
  esac
  if [[ $list && $cur == *,* ]]; then
    COMPREPLY=($(compgen -P "\${cur%,*}," -W "$words" -- "\${cur##*,}"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -o default -F _karta karta
`;
}

/** A flag that takes any value offers no words: bash then goes on to file names. */
function flagValues({ path, flags }: TypedCommand): string[] {
  return flags.flatMap((flag) => {
    const { values, isList } = flag;
    if (values === null) return [];
    const patterns = forms(flag).map((form) => quoted(`${path} ${form}`));
    return [`  ${patterns.join(" | ")}) words=${quoted(values.join(" "))}${isList ? " list=1" : ""} ;;`];
  });
}

function words(command: TypedCommand, tree: CommandTree): string {
  const next = [...below(command, tree).map(lastWord), ...command.values].join(" ");
  const flags = command.flags.flatMap(forms).join(" ");
  return `    ${quoted(command.path)}) if [[ $cur == -* ]]; then words=${quoted(flags)}; else words=${quoted(next)}; fi ;;`;
}
