import { expect, it } from 'vitest';
import { contentHashOf, contentIdOf } from './content-id.ts';

const entry = { content: 'Content', title: 'Title', tags: ['tag1'], entry_type: 'semantic' } as const;

it('names an entry as signers elsewhere do, whatever stands in it', () => {
  // A published vector of MoltNet, made by its TypeScript and its Go code alike.
  const said = {
    entry_type: 'semantic',
    title: 'Test <html>',
    content: 'Content with &amp; entities',
    tags: ['a<b', 'c&d'],
  } as const;
  expect(contentIdOf({ ...said, tags: [...said.tags] })).toBe(
    'bafkreicz3furirhe4c3y5da5lbns7mfn76b2yhjl4yut55zhx2brk7w2ne',
  );
});

it('depends on every member and on no order of tags', () => {
  const id = contentIdOf({ ...entry, tags: ['b', 'a'] });
  expect(contentIdOf({ ...entry, tags: ['a', 'b'] })).toBe(id);
  for (const other of [{ content: 'x' }, { title: null }, { tags: ['a'] }, { entry_type: 'soul' as const }])
    expect(contentIdOf({ ...entry, tags: ['a', 'b'], ...other })).not.toBe(id);
});

it('takes one text for the same in either Unicode form', () => {
  expect(contentHashOf('caf\u00e9')).toBe(contentHashOf('cafe\u0301'));
  expect(contentHashOf('cafe')).not.toBe(contentHashOf('caf\u00e9'));
});
