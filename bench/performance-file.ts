/** docs/performance.md is written by two benches: each replaces its own part and keeps the other's. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const path = resolve(import.meta.dirname, '../docs/performance.md');

const start = '<!-- npm run bench:memory -- --write -->';
const end = '<!-- end of npm run bench:memory -->';

const parts = (): { report: string; memory: string } => {
  const text = readFileSync(path, 'utf8');
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) return { report: text, memory: '' };
  return { report: text.slice(0, from) + text.slice(to + end.length), memory: text.slice(from, to + end.length) };
};

const write = (report: string, memory: string): void =>
  writeFileSync(path, memory === '' ? report : `${report.trimEnd()}\n\n${memory}\n`);

export const writeServerReport = (report: string): void => write(report, parts().memory);

export const writeMemorySection = (section: string): void =>
  write(parts().report, `${start}\n${section.trim()}\n${end}`);
