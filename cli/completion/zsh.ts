/** Completion for zsh, by its own `_arguments`. */
import {
  below,
  forms,
  lastWord,
  singleQuoted as quoted,
  steps,
  type CommandTree,
  type TypedCommand,
  type TypedFlag,
} from "./tree.ts";

export function zshCompletion(tree: CommandTree): string {
  return `#compdef karta
# Completion of karta for zsh. In ~/.zshrc, after compinit: source <(karta completion zsh)
_karta_rest() {
  if (( $#karta_next )); then _describe command karta_next; else _files; fi
}
# _arguments has a variable named next, which would hide one of ours.
_karta() {
  local -a karta_next flags
  local command= i
  for ((i = 2; i < CURRENT; i++)); do
    case "$command:\${words[i]}" in
${steps(tree)
  .map(({ from, to }) => `    ${quoted(from)}) command=${quoted(to)} ;;`)
  .join("\n")}
    esac
  done
  case "$command" in
${tree.map((command) => offers(command, tree)).join("\n")}
  esac
  _arguments "\${flags[@]}" '*: :_karta_rest'
}
if [[ $funcstack[1] == _karta ]]; then _karta "$@"; else compdef _karta karta; fi
`;
}

function offers(command: TypedCommand, tree: CommandTree): string {
  const next = [
    ...below(command, tree).map((other) =>
      quoted(`${lastWord(other)}:${other.summary.replaceAll(":", "\\:")}`),
    ),
    ...command.values.map(quoted),
  ];
  const flags = command.flags.flatMap(specs).map(quoted);
  return `  ${quoted(command.path)})
    karta_next=(${next.join(" ")})
    flags=(
      ${flags.join("\n      ")}
    )
    ;;`;
}

/** `_arguments` has a language of its own, in which brackets and colons mean something. */
function specs(flag: TypedFlag): string[] {
  const { name, summary, values, repeats, isList } = flag;
  const text = summary.replace(/[[\]\\:]/g, "\\$&");
  return forms(flag).map((form) => {
    if (values === null) return `${form}[${text}]`;
    const assigned = form.startsWith("--") ? `${form}=` : form;
    return `${repeats ? "*" : ""}${assigned}[${text}]:${name}:${action(name, values, isList)}`;
  });
}

function action(name: string, values: readonly string[], isList: boolean): string {
  if (values.length === 0) return "_files";
  return isList ? `_values -s , ${name} ${values.join(" ")}` : `(${values.join(" ")})`;
}
