import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentPrefix, matchesAlwaysRule } from './always-rule.ts';

const rule = (argument_prefix: string | Record<string, unknown>) => ({ tool: 'shell', argument_prefix });
const passes = (prefix: string, command: string) => matchesAlwaysRule(rule(prefix), 'shell', { command });

describe('an always-allow rule for a command', () => {
  it.each(['git status', 'git status -s', ' git  status\t-s ', 'git status --porcelain=v1 src/a.ts', 'git status -s'])(
    'lets %j pass under "git status"',
    (command) => expect(passes('git status', command)).toBe(true),
  );

  it.each([
    'git push',
    'git statusx',
    'git',
    '',
    'gitstatus',
    'GIT status',
    './git status',
    'x git status',
    'git status; rm -rf x',
    'git status && x',
    'git status & x',
    'git status | x',
    'git status || x',
    'git status $(x)',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell variable
    'git status ${IFS}x',
    'git status $x',
    'git status `x`',
    'git status\nrm -rf x',
    'git status\rrm -rf x',
    'git status\u2028x',
    'git status\u00a0x',
    'git status > x',
    'git status 2>&1',
    'git status < x',
    'git status <(x)',
    'git status (x)',
    'git status {a,b}',
    'git status *',
    'git status ?',
    'git status [a]',
    'git status ~',
    'git status !x',
    'git status #x',
    'git status \\x',
    'git status "x"',
    "git status 'x'",
    'git status %PATH%',
    'git status ^x',
    'git "status"',
    'A=b git status',
  ])('asks again for %j', (command) => expect(passes('git status', command)).toBe(false));

  it('never passes a line with a character that a shell could read as more than a word', () => {
    const special = fc.constantFrom(...';&|$`<>(){}[]*?!#~\\"\'\n\r%^\0');
    fc.assert(
      fc.property(fc.string(), special, fc.string(), (before, character, after) => {
        expect(passes('git status', `git status ${before}${character}${after}`)).toBe(false);
      }),
    );
  });

  it('hands no further words to a program that runs its arguments', () => {
    expect(passes('bash -c', 'bash -c')).toBe(true);
    expect(passes('bash -c', 'bash -c reboot')).toBe(false);
    expect(passes('/usr/bin/sudo', '/usr/bin/sudo reboot')).toBe(false);
    expect(passes('find .', 'find . -delete')).toBe(false);
  });

  it('covers one tool, and only arguments that cannot change what runs', () => {
    expect(matchesAlwaysRule(rule('git status'), 'other', { command: 'git status' })).toBe(false);
    expect(matchesAlwaysRule(rule('git status'), 'shell', 'git status -s')).toBe(true);
    expect(
      matchesAlwaysRule(rule('git status'), 'shell', { command: 'git status', description: 'see', timeout: 5 }),
    ).toBe(true);
    for (const args of [
      { command: 'git status', cwd: '/' },
      { command: 'git status', env: {} },
      { command: ['git', 'status'] },
      { cmd: 'git status' },
      null,
      1,
      [],
    ]) {
      expect(matchesAlwaysRule(rule('git status'), 'shell', args)).toBe(false);
    }
  });

  it('is refused when its prefix is more than plain words', () => {
    for (const prefix of ['', '  ', 'git status;', 'a | b', 'A=b git', '$x', 'a\nb'])
      expect(argumentPrefix.safeParse(prefix).success).toBe(false);
    expect(argumentPrefix.safeParse('git status').success).toBe(true);
  });
});

describe('an always-allow rule for other arguments', () => {
  it('compares the named arguments exactly and leaves the others free', () => {
    const repository = rule({ repo: 'a/b', labels: ['x'] });
    expect(matchesAlwaysRule(repository, 'shell', { repo: 'a/b', labels: ['x'], title: 'new' })).toBe(true);
    for (const args of [
      { repo: 'a/b' },
      { repo: 'a/bc', labels: ['x'] },
      { repo: 'a/b', labels: ['x', 'y'] },
      { repo: ['a/b'], labels: ['x'] },
      'a/b',
      null,
    ]) {
      expect(matchesAlwaysRule(repository, 'shell', args)).toBe(false);
    }
    expect(matchesAlwaysRule(rule({ toString: 'x' }), 'shell', {})).toBe(false);
  });

  it('without names covers only a call without arguments', () => {
    expect(matchesAlwaysRule(rule({}), 'shell', {})).toBe(true);
    expect(matchesAlwaysRule(rule({}), 'shell', { a: 1 })).toBe(false);
  });
});
