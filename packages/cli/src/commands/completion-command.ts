import { Argument, type Command } from 'commander';
import type { Session } from '../session.ts';

/** `atrium inbox ask` as the words that may follow each beginning: subcommands, then flags. */
const wordsByPath = (command: Command, path: string): Map<string, string[]> => {
  const visible = command.createHelp();
  const subcommands = visible.visibleCommands(command).filter((one) => one.name() !== 'help');
  const flags = visible.visibleOptions(command).flatMap((option) => (option.long == null ? [] : [option.long]));
  const words = new Map([[path, [...subcommands.map((one) => one.name()), ...flags]]]);
  for (const one of subcommands)
    for (const [key, value] of wordsByPath(one, path === '' ? one.name() : `${path} ${one.name()}`))
      words.set(key, value);
  return words;
};

const bash = (words: Map<string, string[]>): string => `# atrium completion for bash: eval "$(atrium completion bash)"
_atrium() {
  local word="\${COMP_WORDS[COMP_CWORD]}" path="" one
  for one in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ "$one" == -* ]] || path="\${path:+$path }$one"; done
  while :; do
    case "$path" in
${[...words].map(([path, list]) => `      '${path}') COMPREPLY=($(compgen -W '${list.join(' ')}' -- "$word")); return ;;`).join('\n')}
      *' '*) path="\${path% *}" ;;
      *) return ;;
    esac
  done
}
complete -o default -F _atrium atrium
`;

const zsh = (words: Map<string, string[]>): string => `#compdef atrium
# atrium completion for zsh: eval "$(atrium completion zsh)"
autoload -U +X bashcompinit && bashcompinit
${bash(words).replace(/^#.*\n/, '')}`;

const escaped = (text: string): string => text.replace(/[\\']/g, '\\$&');

const fish = (program: Command): string => {
  const lines = ['# atrium completion for fish: atrium completion fish | source', 'complete -c atrium -e'];
  const add = (condition: string, command: Command): void => {
    const help = command.createHelp();
    for (const option of help.visibleOptions(command))
      if (option.long != null)
        lines.push(
          `complete -c atrium -n '${condition}' -l ${option.long.slice(2)} -d '${escaped(option.description)}'${option.required ? ' -r' : ''}`,
        );
    for (const one of help.visibleCommands(command))
      if (one.name() !== 'help')
        lines.push(
          `complete -c atrium -n '${condition}' -f -a ${one.name()} -d '${escaped(one.summary() || one.description())}'`,
        );
  };
  add('__fish_use_subcommand', program);
  for (const group of program.commands) {
    const inside = `__fish_seen_subcommand_from ${group.name()}`;
    const verbs = group.commands.map((one) => one.name()).join(' ');
    add(verbs === '' ? inside : `${inside}; and not __fish_seen_subcommand_from ${verbs}`, group);
    for (const one of group.commands) add(`${inside}; and __fish_seen_subcommand_from ${one.name()}`, one);
  }
  return `${lines.join('\n')}\n`;
};

export const addCompletionCommand = (program: Command, session: Session): void => {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('For example, in ~/.bashrc: eval "$(atrium completion bash)"')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: 'bash' | 'zsh' | 'fish') => {
      const words = wordsByPath(program, '');
      session.io.stdout.write(shell === 'bash' ? bash(words) : shell === 'zsh' ? zsh(words) : fish(program));
    });
};
