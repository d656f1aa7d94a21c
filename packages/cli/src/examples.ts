import type { Command } from 'commander';

const kept = new WeakMap<Command, readonly string[]>();

/** Lines that show how a command is used, for --help and for the reference. */
export const withExamples = (command: Command, ...lines: readonly string[]): Command => {
  kept.set(command, lines);
  const text = lines.map((line) => `  ${line}`).join('\n');
  return command.addHelpText('after', `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${text}`);
};

export const examplesOf = (command: Command): readonly string[] => kept.get(command) ?? [];
