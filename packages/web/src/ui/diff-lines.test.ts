import { expect, test } from 'vitest';
import { parseDiff } from './diff-lines.ts';

test('a git diff yields its file, hunks and numbered lines', () => {
  const lines = parseDiff(
    'diff --git a/x.ts b/x.ts\nindex 1..2 100644\n--- a/x.ts\n+++ b/x.ts\n@@ -4,3 +4,3 @@ fn\n a\n-b\n+c\n d\n\\ No newline at end of file\n',
  );
  expect(lines).toEqual([
    { kind: 'file', text: 'x.ts' },
    { kind: 'hunk', text: '@@ -4,3 +4,3 @@ fn' },
    { kind: 'context', text: 'a', before: 4, after: 4 },
    { kind: 'removed', text: 'b', before: 5, after: null },
    { kind: 'added', text: 'c', before: null, after: 5 },
    { kind: 'context', text: 'd', before: 6, after: 6 },
  ]);
});

test('a removed line of dashes inside a hunk is a line, not a file head', () => {
  expect(parseDiff('@@ -1,1 +1,0 @@\n--- flag').at(-1)).toEqual({
    kind: 'removed',
    text: '-- flag',
    before: 1,
    after: null,
  });
});

test('half a diff without heads still shows its lines', () => {
  expect(parseDiff('+a\n-b').map(({ kind }) => kind)).toEqual(['added', 'removed']);
});
