// Shell completions, made from the catalogue: what a shell may put in after TAB. The scripts are pure.

import { settingKeys } from "../agent/settings-table.ts";
import { catalogue } from "./catalogue.ts";
import { type CommandSpec, noSuch, type OptionSpec, type RunCommand, usageError } from "./command.ts";

/** Values that are paths. */
const PATHS = ["FILE", "DIR"];
/** Words of `settings` that a key comes after. */
const BEFORE_KEY = ["set", "unset", "doc"];

/** Literal words that a command may take, as its usage lines name them: `settings show`, `[on|off]`. */
export const wordsOf = ({ name, usage }: CommandSpec): readonly string[] => {
  const words = usage.flatMap((line) =>
    line
      .split(" ")
      .slice(1)
      .flatMap((part) => part.replace(/^\[|\]$/g, "").split("|")),
  );
  return [...new Set(words)].filter((word) => /^[a-z][a-z-]*$/.test(word) && word !== name);
};

const optionsOf = ({ options }: CommandSpec): readonly (readonly [name: string, option: OptionSpec])[] =>
  Object.entries(options);

const specs = catalogue.map(({ spec }) => spec);
const names = specs.map(({ name }) => name);

const bash = (): string => {
  const cases = specs.map((spec) => {
    const options = optionsOf(spec).map(([name]) => `--${name}`);
    return `    ${spec.name}) words="${[...wordsOf(spec), ...options].join(" ")}" ;;\n`;
  });
  const paths = specs
    .flatMap(optionsOf)
    .filter(([, { value }]) => value !== undefined && PATHS.includes(value))
    .flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]);
  return `# bash completion of porchlight: source <(porchlight completion bash)
_porchlight() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=""
  case \${COMP_WORDS[COMP_CWORD - 1]} in
    ${[...new Set(paths)].join("|")}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
  esac
  case \${COMP_WORDS[1]} in
${cases.join("")}  esac
  case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
    ${BEFORE_KEY.map((word) => `"settings ${word}"`).join("|")}) [ "$COMP_CWORD" = 3 ] && words="${settingKeys.join(" ")}" ;;
  esac
  [ "$COMP_CWORD" = 1 ] && words="${[...names, "help", "--help", "--version"].join(" ")}"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _porchlight porchlight
`;
};

/** Inside single quotes of a shell. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");

const zsh = (): string => {
  /** Inside a specification of _arguments, colons and brackets have a meaning. */
  const plain = (text: string): string => quoted(text).replace(/[[\]:]/g, "\\$&");
  const option = ([name, { short, value, doc }]: readonly [string, OptionSpec]): string => {
    const takes = value === undefined ? "" : `:${value}:${PATHS.includes(value) ? "_files" : ""}`;
    const both = short === undefined ? `'--${name}` : `'(-${short} --${name})'{-${short},--${name}}'`;
    return `${both}[${plain(doc)}]${takes}'`;
  };
  const cases = specs.map((spec) => {
    const words = wordsOf(spec);
    const parts = [
      ...optionsOf(spec).map(option),
      ...(words.length === 0 ? [] : [`'*:word:(${words.join(" ")})'`]),
    ];
    return `    ${spec.name}) _arguments ${parts.join(" ")} ;;\n`;
  });
  return `#compdef porchlight
# zsh completion of porchlight: source <(porchlight completion zsh)
_porchlight() {
  local -a commands
  commands=(${specs.map(({ name, summary }) => `'${name}:${quoted(summary)}'`).join(" ")})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  if [[ $words[2] == settings && $CURRENT == 4 && " ${BEFORE_KEY.join(" ")} " == *" $words[3] "* ]]; then
    compadd ${settingKeys.join(" ")}
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("")}  esac
}
# Found by its name in $fpath, or read by source.
if [[ $funcstack[1] == _porchlight ]]; then _porchlight "$@"; else compdef _porchlight porchlight; fi
`;
};

const fish = (): string => {
  const lines = specs.flatMap((spec) => {
    const seen = `-n '__fish_seen_subcommand_from ${spec.name}'`;
    return [
      `complete -c porchlight -f -n __fish_use_subcommand -a ${spec.name} -d '${fishQuoted(spec.summary)}'`,
      ...wordsOf(spec).map((word) => `complete -c porchlight -f ${seen} -a ${word}`),
      ...optionsOf(spec).map(([name, { short, value, doc }]) => {
        const takes = value === undefined ? "" : PATHS.includes(value) ? " -r -F" : " -x";
        return `complete -c porchlight ${seen} -l ${name}${short === undefined ? "" : ` -s ${short}`}${takes} -d '${fishQuoted(doc)}'`;
      }),
    ];
  });
  return `# fish completion of porchlight: porchlight completion fish | source
${lines.join("\n")}
complete -c porchlight -f -n '__fish_seen_subcommand_from ${BEFORE_KEY.join(" ")}' -a '${settingKeys.join(" ")}'
`;
};

const fishQuoted = (text: string): string => text.replace(/[\\']/g, "\\$&");

/** The scripts by their shells. */
export const completions = { bash, zsh, fish } as const;

const isShell = (name: string): name is keyof typeof completions => Object.hasOwn(completions, name);

export const completionCommand: RunCommand = async ({ words: [shell] }, { stdout }) => {
  const shells = Object.keys(completions);
  if (shell === undefined) throw usageError(`porchlight completion needs a shell: ${shells.join(", ")}`);
  if (!isShell(shell)) throw noSuch("completion for the shell", shell, shells);
  stdout.write(completions[shell]());
  return 0;
};
