import { describe, expect, it } from 'vitest';
import { tomlTables } from './toml-tables.ts';

const text = `# a comment with [brackets]
model = "o # not a comment"
notice = { hide = true, list = ["[a]", 'b'] } # inline
[ a . "b.c" ] # behind
list = [
  # [not.a.table]
  [1, 2],
  "]",
]
long = """
[not.a.table]
said \\""" still
"""
raw = '''
[neither]
'''
x.y = 1979-05-27T07:32:00Z
[[many]]
k = 1
`;

describe('tables of TOML', () => {
  it('are found by their headers alone, with the keys that are set in them', () => {
    const tables = tomlTables(text);
    expect(tables.map(({ path }) => path)).toEqual([[], ['a', 'b.c'], ['many']]);
    expect(tables.map(({ keys }) => keys)).toEqual([
      [['model'], ['notice']],
      [['list'], ['long'], ['raw'], ['x', 'y']],
      [['k']],
    ]);
    expect(text.slice(tables[1]!.start)).toMatch(/^\[ a /);
    expect(tomlTables('')).toEqual([{ path: [], start: 0, keys: [] }]);
    expect(tomlTables(text.replaceAll('\n', '\r\n')).map(({ path }) => path)).toEqual([[], ['a', 'b.c'], ['many']]);
  });

  it.each(['[a', '[a] b', 'a', 'a =', 'a = [1, 2', 'a = "x', 'a = """x', '= 1', 'a = 1]', '{"json": true}'])(
    'of %j are refused',
    (broken) => {
      expect(() => tomlTables(broken)).toThrow(SyntaxError);
    },
  );
});
