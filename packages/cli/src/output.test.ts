import { expect, it } from 'vitest';
import { printable, record, table } from './output.ts';

const id = '0190a000-0000-7000-8000-000000000000';

it('a table keeps ids whole and cuts the widest text to the terminal', () => {
  const lines = table([{ id, title: 'x'.repeat(200), status: 'open' }], 80)
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain(id);
  expect(lines[1]).toContain('…');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});

it('a table in a pipe cuts nothing', () => {
  expect(table([{ id, title: 'x'.repeat(200) }], undefined)).toContain('x'.repeat(200));
});

it('references are shown by name and lists of things one below the other', () => {
  const text = record({
    id,
    owner: { type: 'user', id, name: 'Ada' },
    empty: null,
    tags: ['a', 'b'],
    rows: [{ n: 1 }, { n: 2 }],
  });
  expect(text).toContain('owner  Ada');
  expect(text).toContain('tags   a, b');
  expect(text).not.toContain('empty');
  expect(text).toMatch(/n {2}1\n.*--\n.*n {2}2/s);
});

it('control and direction characters are replaced, tabs and newlines stay', () => {
  expect(printable('a\u001b[31mb\u202ec\u009bd\te\nf')).toBe('a�[31mb�c�d\te\nf');
});
