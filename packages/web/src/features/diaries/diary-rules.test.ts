import { expect, test } from 'vitest';
import { fileNameOf, readArchiveEnd } from './archive-file.ts';
import { byDay, clockOf, dayWords, entryName, plainText, timesOf } from './diary-words.ts';
import { filterInput, isFiltered, isReplaced, noFilter, parseDiarySearch, parseEntrySearch } from './entry-filter.ts';
import { markedParts } from './marked-parts.ts';

test('an address that says nonsense is read as far as it makes sense', () => {
  expect(
    parseDiarySearch({ q: ' ', type: ['semantic', 'gossip'], when: 'ever', scope: 'own', superseded: 'yes' }),
  ).toEqual({
    q: undefined,
    type: ['semantic'],
    status: undefined,
    tag: undefined,
    when: undefined,
    superseded: undefined,
    nearest: undefined,
    scope: ['own'],
  });
  expect(parseEntrySearch({ q: 2026, tag: 'release', superseded: true })).toMatchObject({
    q: '2026',
    tag: ['release'],
    superseded: true,
  });
});

test('a filter of days begins at a full hour, so that the same page asks the same', () => {
  const now = Date.parse('2026-11-27T19:53:01Z');
  expect(filterInput({ when: 'week', type: ['soul'] }, now)).toEqual({
    entry_types: ['soul'],
    created_after: '2026-11-20T19:00:00.000Z',
  });
  expect(filterInput({ q: 'words alone' }, now)).toEqual({});
  expect(isFiltered({ q: 'words alone' })).toBe(false);
  expect(isFiltered({ superseded: true })).toBe(true);
});

test('entries are gathered by the day of the reader, not by that of the server', () => {
  const entries = ['2026-11-27T00:30:00Z', '2026-11-26T23:30:00Z', '2026-11-25T10:00:00Z'].map((created_at) => ({
    created_at,
  }));
  expect(byDay(entries, 'UTC').map(({ day, entries: of }) => [day, of.length])).toEqual([
    ['2026-11-27', 1],
    ['2026-11-26', 1],
    ['2026-11-25', 1],
  ]);
  expect(byDay(entries, 'America/New_York').map(({ day, entries: of }) => [day, of.length])).toEqual([
    ['2026-11-26', 2],
    ['2026-11-25', 1],
  ]);
});

test('a day is named as people name it', () => {
  const now = Date.parse('2026-11-27T19:53:01Z');
  const name = (time: string) => dayWords(Date.parse(time), now, 'UTC');
  expect(name('2026-11-27T00:00:00Z')).toBe('Today');
  expect(name('2026-11-26T23:59:00Z')).toBe('Yesterday');
  expect(name('2026-11-20T12:00:00Z')).toBe('Friday 20 November');
  expect(name('2025-11-20T12:00:00Z')).toBe('Thursday 20 November 2025');
  expect(clockOf(Date.parse('2026-11-20T12:05:00Z'), 'Europe/Berlin')).toBe('13:05');
});

test('an entry without a title is called by its first line', () => {
  expect(entryName({ title: 'Named', content: 'x' })).toBe('Named');
  expect(entryName({ title: null, content: '\n## The cache is warm\nmore' })).toBe('The cache is warm');
  expect(entryName({ title: null, content: '   \n' })).toBe('Untitled');
  expect(entryName({ title: null, content: 'x'.repeat(500) })).toHaveLength(120);
});

test('a snippet is cut at its marks, whatever ranges it comes with', () => {
  expect(
    markedParts('deploy to production', [
      [0, 6],
      [10, 20],
    ]),
  ).toEqual([
    { text: 'deploy', marked: true, at: 0 },
    { text: ' to ', marked: false, at: 6 },
    { text: 'production', marked: true, at: 10 },
  ]);
  expect(markedParts('plain', [])).toEqual([{ text: 'plain', marked: false, at: 0 }]);
  // Out of order, overlapping and beyond the end: nothing is said twice, nothing is lost.
  expect(
    markedParts('abcdef', [
      [4, 99],
      [1, 3],
      [2, 5],
    ])
      .map(({ text }) => text)
      .join(''),
  ).toBe('abcdef');
});

test('a time in the address is read in any spelling, and what is none is left out', () => {
  expect(parseEntrySearch({ as_of: '2026-11-20T10:00:00+01:00' }).as_of).toBe('2026-11-20T09:00:00.000Z');
  expect(parseEntrySearch({ as_of: 'then' }).as_of).toBeUndefined();
  const search = parseEntrySearch({ as_of: '2026-11-20T09:00:00Z', expired: true });
  expect(filterInput(search, 0)).toEqual({ as_of: '2026-11-20T09:00:00.000Z', include_expired: true });
  expect(isFiltered(search)).toBe(true);
  expect(isFiltered({ ...search, ...noFilter })).toBe(false);
});

test('an entry that was replaced later is none that is replaced, at the time the page tells of', () => {
  const entry = { superseded_at: '2026-11-20T09:00:00Z' };
  expect(isReplaced(entry, {})).toBe(true);
  expect(isReplaced(entry, { as_of: '2026-11-20T08:00:00Z' })).toBe(false);
  expect(isReplaced(entry, { as_of: '2026-11-20T09:00:00Z' })).toBe(true);
  expect(isReplaced({ superseded_at: null }, {})).toBe(false);
});

test('the end of an entry is said before when it holds, and what is past as past', () => {
  const now = Date.parse('2026-11-27T12:00:00Z');
  const said = (from: string | null, to: string | null, ends: string | null) =>
    timesOf({ valid_from: from, valid_to: to, expires_at: ends }, now).map(({ label, past }) => [label, past]);
  expect(said(null, null, null)).toEqual([]);
  expect(said('2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z', '2026-12-02T00:00:00Z')).toEqual([
    ['Leaves answers', false],
    ['Holds until', false],
    ['Holds since', false],
  ]);
  expect(said('2026-12-01T00:00:00Z', '2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z')).toEqual([
    ['Left answers', true],
    ['Held until', true],
    ['Holds from', true],
  ]);
});

test('the few lines of an entry leave out the line that it is called by', () => {
  expect(plainText({ title: 'Named', content: '# One\n`two`' })).toBe('One two');
  expect(plainText({ title: 'Named', content: 'Tell #deployments <all>' })).toBe('Tell #deployments <all>');
  expect(plainText({ title: null, content: '\nThe name\n> and *more*' })).toBe('and more');
});

test('the last line of an archive is read, and a file without one has none', async () => {
  const end = {
    kind: 'end',
    entries: 2,
    next_after: null,
    public_key: 'ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  };
  const file = (...lines: unknown[]) => new Blob(lines.map((line) => `${JSON.stringify(line)}\n`));
  expect(await readArchiveEnd(file({ kind: 'diary' }, { kind: 'entry', content: 'x'.repeat(9000) }, end))).toEqual({
    entries: 2,
    next_after: null,
    fingerprint: '21FE-31DF-A154-A261',
  });
  expect(await readArchiveEnd(file({ kind: 'entry' }))).toBeNull();
  expect(await readArchiveEnd(new Blob([]))).toBeNull();
});

test('a file is called by its diary, as far as file systems take that', () => {
  expect(fileNameOf('Notes: 1/2 دفتر', 'archive', 1)).toBe('Notes_ 1_2 دفتر.archive.jsonl');
  expect(fileNameOf('  ', 'jsonl', 3)).toBe('diary.part-3.jsonl');
});
