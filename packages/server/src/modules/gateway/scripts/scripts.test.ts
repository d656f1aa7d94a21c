import { scriptParameter } from '@atrium/protocol';
import { describe, expect, it } from 'vitest';
import { lastTimeUntil, nextTime, nextTimes, timingProblem } from './due-times.ts';
import { Masker, mask } from './masker.ts';
import { definitionProblems, givenValues, variablesOf } from './parameters.ts';
import { RunOutput } from './run-output.ts';
import type { OutputRow } from './scripts-rows.ts';

const parameter = (given: Record<string, unknown>) => scriptParameter.parse({ type: 'text', ...given });
const problemsOf = (act: () => unknown): Record<string, string> => {
  try {
    act();
    return {};
  } catch (error) {
    const { errors = [] } = error as { errors?: { path: string; message: string }[] };
    return Object.fromEntries(errors.map(({ path, message }) => [path, message]));
  }
};

describe('values', () => {
  it('G36: are data whatever they look like, and too long ones are refused by their name', () => {
    const defined = [parameter({ name: 'A' }), parameter({ name: 'B' })];
    const { shown, secrets } = givenValues(defined, { A: '$(reboot)', B: 'one\ntwo; `id` && "x"' });
    expect(variablesOf(shown, secrets)).toEqual({ A: '$(reboot)', B: 'one\ntwo; `id` && "x"' });
    expect(problemsOf(() => givenValues(defined, { A: 'x'.repeat(1024 * 1024) }))).toHaveProperty(['parameters.A']);
    expect(problemsOf(() => givenValues(defined, { A: 'a\0b' }))).toHaveProperty(['parameters.A']);
    expect(problemsOf(() => givenValues(defined, { C: 'x' }))).toEqual({
      'parameters.C': 'is no parameter of the script',
    });
    expect(problemsOf(() => givenValues(defined, JSON.parse('{"__proto__x":"1","constructor":"2"}')))).toHaveProperty([
      'parameters.constructor',
    ]);
  });

  it.each([
    [{ type: 'number', min: 1, max: 5 }, 6, 'must be at most 5'],
    [{ type: 'number' }, '6', 'must be a number'],
    [{ type: 'boolean' }, 'yes', 'must be true or false'],
    [{ type: 'select', options: [{ value: 'a' }, { value: 'b' }] }, 'c', 'must be one of a, b'],
    [{ pattern: '[a-z]+' }, 'abc1', 'must match [a-z]+'],
    [{ min: 3 }, 'ab', 'must have at least 3 characters'],
    [{ required: true }, '', 'is needed'],
  ])('%j does not take %j', (defined, value, problem) => {
    expect(problemsOf(() => givenValues([parameter({ name: 'A', ...defined })], { A: value }))).toEqual({
      'parameters.A': problem,
    });
  });

  it('are filled in by defaults; passwords are apart from what is shown, and those left out stay', () => {
    const defined = [
      parameter({ name: 'N', type: 'number', default: 3 }),
      parameter({ name: 'P', type: 'password', required: true }),
    ];
    expect(givenValues(defined, { P: 'secret' })).toEqual({ shown: { N: 3, P: mask }, secrets: { P: 'secret' } });
    expect(givenValues(defined, { P: mask }, { kept: { P: 'before' } }).secrets).toEqual({ P: 'before' });
    expect(problemsOf(() => givenValues(defined, {}))).toEqual({ 'parameters.P': 'is needed' });
  });

  it('are not defined by names that decide how programs run, nor with patterns that could take for ever', () => {
    const names = ['PATH', 'LD_PRELOAD', 'BASH_ENV', 'PYTHONPATH', 'NODE_OPTIONS', 'DRY_RUN', 'home'];
    expect(definitionProblems(names.map((name) => parameter({ name })))).toHaveLength(names.length);
    expect(definitionProblems([parameter({ name: 'A', pattern: '(?=a)b' })])[0]!.message).toContain('a lookahead');
    expect(definitionProblems([parameter({ name: 'A', type: 'password', default: 'x' })])).toHaveLength(1);
    expect(definitionProblems([parameter({ name: 'A' }), parameter({ name: 'A' })])).toHaveLength(1);
  });
});

describe('the masker', () => {
  it('hides a secret that is cut anywhere, and one that begins with another', () => {
    const secrets = ['hunter2', 'hunter2-long', 'ab\ncdef'];
    const text = 'x hunter2 y hunter2-long z hunt hunter cdef ab\ncdef hunter2';
    const whole = `x ${mask} y ${mask} z hunt hunter ${mask} ${mask} ${mask}`;
    for (let size = 1; size <= text.length; size += 1) {
      const masker = new Masker(secrets);
      let shown = '';
      for (let at = 0; at < text.length; at += size) shown += masker.push(text.slice(at, at + size));
      expect(shown + masker.end()).toBe(whole);
    }
  });

  it('leaves a text without secrets as it is', () => {
    const masker = new Masker(['']);
    expect(masker.push('a 😀 b') + masker.end()).toBe('a 😀 b');
  });
});

describe('output', () => {
  it('is cut with a mark, in parts that a table can take', async () => {
    const rows: OutputRow[] = [];
    const output = new RunOutput({
      ...{ secrets: [], max_bytes: 40_000, now: () => new Date(0) },
      write: async (parts) => void rows.push(...parts),
    });
    output.push('stdout', Buffer.from(`a\0b${'😀'.repeat(9000)}`));
    output.push('stderr', Buffer.from('x'.repeat(10_000)));
    output.push('stdout', Buffer.from('never seen'));
    await output.end();
    expect(output.bytes).toBe(40_000);
    expect(rows.every(({ text }) => text.length <= 16_000 && text.isWellFormed() && !text.includes('\0'))).toBe(true);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index + 1));
    expect(rows.at(-1)).toMatchObject({ stream: 'note', text: expect.stringContaining('40000 bytes') });
  });
});

describe('times', () => {
  const berlin = { cron: '30 2 * * *', time_zone: 'Europe/Berlin' };
  const iso = (dates: readonly (Date | null)[]) => dates.map((at) => at?.toISOString());

  it('G59: come once over both changes of the clock', () => {
    expect(iso(nextTimes(berlin, new Date('2026-03-28T00:00:00Z'), 3))).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(iso(nextTimes(berlin, new Date('2026-10-24T12:00:00Z'), 2))).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    expect(iso(nextTimes({ ...berlin, cron: '30 * * * *' }, new Date('2026-10-24T23:45:00Z'), 3))).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-10-25T02:30:00.000Z',
    ]);
  });

  it('G59: of an outage of three hours the last one counts', () => {
    const hourly = { cron: '0 * * * *', time_zone: 'UTC' };
    const first = new Date('2026-05-01T09:00:00Z');
    expect(lastTimeUntil(hourly, first, new Date('2026-05-01T11:59:00Z'))).toEqual(new Date('2026-05-01T11:00:00Z'));
    expect(lastTimeUntil(hourly, first, first)).toEqual(first);
    const yearly = { cron: '0 0 1 1 *', time_zone: 'UTC' };
    expect(lastTimeUntil(yearly, new Date('2026-01-01'), new Date('2026-06-01'))).toEqual(new Date('2026-01-01'));
    expect(nextTime(yearly, new Date('2026-06-01'))).toEqual(new Date('2027-01-01'));
  });

  it('that cannot be understood are refused by the field', () => {
    expect(timingProblem({ cron: '0 0 * * *', time_zone: 'Mars/Base' })?.path).toBe('time_zone');
    for (const cron of ['0 0 * *', '61 * * * *', 'a b c d e', '0 0 30 2 *', '* * * * * *'])
      expect(timingProblem({ cron, time_zone: 'UTC' })).toMatchObject({ path: 'cron' });
    expect(timingProblem({ cron: '*/5 9-17 * * 1-5', time_zone: 'America/New_York' })).toBeNull();
  });
});
