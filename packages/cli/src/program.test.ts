import { spawnSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { operations, pathParameters } from '@atrium/protocol';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { earlierNames, withNamesOfHere } from './earlier-names.ts';
import { examplesOf } from './examples.ts';
import { exitCodes } from './exit-codes.ts';
import { dashed } from './flag-names.ts';
import type { Io } from './io.ts';
import { flagsOf } from './operation-flags.ts';
import { createProgram, runCli } from './program.ts';
import { cliReference } from './reference.ts';

const makeIo = (): Io & { out: () => string; err: () => string } => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const text = (stream: PassThrough) => () => (stream.read() as Buffer | null)?.toString('utf8') ?? '';
  return {
    stdin,
    stdout,
    stderr,
    environment: { HOME: '/nonexistent' },
    cwd: '/',
    out: text(stdout),
    err: text(stderr),
  };
};
const never = new AbortController().signal;
const whole = createProgram(makeIo(), never);
const find = (...path: string[]): Command | undefined =>
  path.reduce<Command | undefined>((at, name) => at?.commands.find((one) => one.name() === name), whole);

describe('the command tree', () => {
  it.each(operations.map((operation) => [operation.name, operation] as const))(
    'has %s with every member of its input',
    (name, operation) => {
      const [noun, verb] = name.split('.') as [string, string];
      const command = find(dashed(noun), dashed(verb));
      expect(command?.summary()).toBe(operation.summary);
      const inPath = pathParameters(operation.path);
      const flags = command!.options.map((option) => option.long);
      const args = command!.registeredArguments.map((argument) => argument.name());
      for (const member of Object.keys(operation.input.shape)) {
        const reachable = flags.includes(`--${dashed(member)}`) || flags.includes(`--no-${dashed(member)}`);
        expect(reachable || (inPath.includes(member) && args.includes(member)), member).toBe(true);
      }
      const [example] = examplesOf(command!);
      for (const flag of flagsOf(operation).filter((one) => one.required))
        expect(example).toContain(` --${dashed(flag.name)}`);
      // Members that share a name with a flag of the program or of every command would be unreachable.
      expect(new Set(flags).size).toBe(flags.length);
      for (const own of ['json', 'all', 'input', 'output', 'profile', 'url', 'help'])
        expect(Object.keys(operation.input.shape).map(dashed)).not.toContain(own);
    },
  );

  it('explains every command on --help with status 0, and every mistake with status 2', {
    tags: ['long'],
  }, async () => {
    for (const group of whole.commands) {
      const io = makeIo();
      expect(await runCli([group.name(), '--help'], io, never), group.name()).toBe(0);
      expect(io.out()).toContain(`atrium ${group.name()}`);
    }
    for (const group of ['agent', 'diary'])
      for (const command of find(group)!.commands.filter((one) => !['help', 'mcp'].includes(one.name()))) {
        const io = makeIo();
        expect(await runCli([group, command.name(), '--help'], io, never), command.name()).toBe(0);
        expect(io.out()).toContain('--json');
      }
    for (const args of [['nothing'], ['inbox', 'nothing'], ['ask'], ['ask', 'x', '--nothing'], ['completion', 'tcsh']])
      expect(await runCli(args, makeIo(), never), args.join(' ')).toBe(2);
  });

  const leaves = (command: Command, path: string[]): [string, Command][] =>
    command.commands.length === 0
      ? [[path.join(' '), command]]
      : command.commands.filter((one) => one.name() !== 'help').flatMap((one) => leaves(one, [...path, one.name()]));

  it('shows for every command what it does and an example of it, with flags that it has', () => {
    for (const [path, command] of leaves(whole, [])) {
      const shown: string[] = [];
      command.configureOutput({ writeOut: (text) => void shown.push(text) }).outputHelp();
      expect(command.description(), path).not.toBe('');
      expect(shown.join(''), path).toMatch(/^Examples?:$/m);
      const lines = examplesOf(command);
      expect(lines.length, path).toBeGreaterThan(0);
      for (const line of lines) {
        expect(line, path).toContain(`atrium ${path}`);
        const own = new Set([...command.options, ...whole.options].flatMap(({ long, short }) => [long, short]));
        const flags = line.slice(line.indexOf(`atrium ${path}`)).match(/(?<=\s)--?[a-z][a-z-]*/g) ?? [];
        // Quoted words may begin with a minus, for the search.
        for (const flag of flags.filter((one) => one !== '-production'))
          expect([path, [...own]], path).toEqual([path, expect.arrayContaining([flag])]);
      }
    }
  });

  it('takes the names of the program before, behind options of the program as well', async () => {
    for (const [before, here] of earlierNames) {
      expect(withNamesOfHere(['--url', 'https://x.example', ...before.split(' '), '--json'])).toEqual([
        ...['--url', 'https://x.example', ...here.split(' '), '--json'],
      ]);
      const io = makeIo();
      expect(await runCli([...before.split(' '), '--help'], io, never), before).toBe(0);
    }
    expect(withNamesOfHere(['register', '--api-url', 'https://x.example'])).toEqual([
      ...['agent', 'register', '--url', 'https://x.example'],
    ]);
    expect(withNamesOfHere(['notify', 'register'])).toEqual(['notify', 'register']);
    expect(withNamesOfHere([])).toEqual([]);
  });

  it('gives the same help for a group whether built whole or for its words alone', () => {
    for (const name of ['agents', 'diary']) {
      const alone = createProgram(makeIo(), never, [name, '--help']);
      const group = alone.commands.find((one) => one.name() === name)!;
      expect(group.helpInformation()).toBe(find(name)!.helpInformation());
    }
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('of %s names commands and flags', async (shell) => {
    const io = makeIo();
    expect(await runCli(['completion', shell], io, never)).toBe(0);
    const script = io.out();
    expect(script).toContain('list-items');
    expect(script).toContain(shell === 'fish' ? '-l yesno' : '--yesno');
  });

  it('of bash completes verbs after nouns and flags after verbs', async () => {
    const io = makeIo();
    await runCli(['completion', 'bash'], io, never);
    const complete = (...words: string[]): string[] => {
      const script = `${io_script}\nCOMP_WORDS=(atrium ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _atrium; echo "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split(' ');
    };
    const io_script = io.out();
    expect(complete('not')).toEqual(['notify']);
    expect(complete('items', 'wi')).toEqual(['withdraw']);
    expect(complete('items', 'withdraw', 'some-id', '--rea')).toEqual(['--reason']);
  });
});

it('the reference names every operation, every hand-made command and every exit status', () => {
  const text = cliReference();
  for (const { name } of operations) expect(text).toContain(`atrium ${name.split('.').map(dashed).join(' ')}`);
  for (const command of whole.commands.filter((one) => one.commands.length === 0))
    expect(text).toContain(`### \`atrium ${command.name()}`);
  for (const group of ['agent', 'diary'])
    for (const command of find(group)!.commands) expect(text).toContain(`### \`atrium ${group} ${command.name()}`);
  for (const { code } of Object.values(exitCodes)) expect(text).toContain(`| ${code} |`);
});
