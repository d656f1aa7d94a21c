export type DiffLine =
  | { kind: 'file'; text: string }
  | { kind: 'hunk'; text: string }
  | { kind: 'added' | 'removed' | 'context'; text: string; before: number | null; after: number | null };

const hunkHead = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** Reads unified diff text. Text without hunk heads is read as lines of one hunk, so half a diff still shows. */
export const parseDiff = (text: string): DiffLine[] => {
  const lines: DiffLine[] = [];
  let before = 1;
  let after = 1;
  let inHunk = false;
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const head = hunkHead.exec(line);
    if (head) {
      before = Number(head[1]);
      after = Number(head[2]);
      inHunk = true;
      lines.push({ kind: 'hunk', text: line });
    } else if (/^(diff |index |new file|deleted file|rename |similarity )/.test(line)) {
      inHunk = false;
      if (line.startsWith('diff '))
        lines.push({ kind: 'file', text: line.replace(/^diff --git a\/(.+) b\/.+$/, '$1') });
    } else if (!inHunk && /^(---|\+\+\+) /.test(line)) {
      if (line.startsWith('+++') && lines.at(-1)?.kind !== 'file')
        lines.push({ kind: 'file', text: line.slice(4).replace(/^b\//, '') });
    } else if (line.startsWith('+')) {
      lines.push({ kind: 'added', text: line.slice(1), before: null, after: after++ });
    } else if (line.startsWith('-')) {
      lines.push({ kind: 'removed', text: line.slice(1), before: before++, after: null });
    } else if (!line.startsWith('\\')) {
      lines.push({ kind: 'context', text: line.replace(/^ /, ''), before: before++, after: after++ });
    }
  }
  return lines;
};
