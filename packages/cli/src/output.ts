import type { Io } from './io.ts';

/** Control and direction characters of a title must not steer the terminal that shows it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
export const printable = (text: string): string => text.replace(unsafe, '\ufffd');

export const oneLine = (text: string): string => printable(text).replace(/\s+/g, ' ').trim();

export const counted = (entries: number): string => (entries === 1 ? '1 entry' : `${entries} entries`);

type Row = Record<string, unknown>;
const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value in a cell: people and references by their name, the rest as short as it can be. */
const cell = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return oneLine(value.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d):\d\d(\.\d+)?Z$/, '$1Z'));
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.map(cell).join(', ');
  const named = (value as Row)['name'];
  return typeof named === 'string' ? oneLine(named) : oneLine(JSON.stringify(value));
};

/** Of rows with many members the ones that tell them apart, in this order. */
const preferred = [
  'id',
  'user_id',
  'seq',
  'name',
  'title',
  'email',
  'kind',
  'action',
  'status',
  'state',
  'level',
  'mode',
  'role',
  'channel',
  'actor',
  'author',
  'body',
  'prefix',
  'created_by',
  'at',
  'created_at',
  'last_seen_at',
];
const mostColumns = 7;

const columnsOf = (rows: readonly Row[]): string[] => {
  const all = [...new Set(rows.flatMap(Object.keys))];
  if (all.length <= mostColumns) return all;
  const known = preferred.filter((name) => all.includes(name));
  const short = all.filter((name) => !known.includes(name) && rows.every((row) => typeof row[name] !== 'object'));
  return (known.length >= 2 ? known : [...known, ...short]).slice(0, mostColumns);
};

const width = (text: string): number => [...text].length;
const fit = (text: string, columns: number): string =>
  width(text) <= columns
    ? text.padEnd(columns + text.length - width(text))
    : `${[...text].slice(0, columns - 1).join('')}…`;

/** Rows as aligned columns. Ids are never cut: they are what the next command takes. */
export const table = (rows: readonly Row[], terminal: number | undefined): string => {
  if (rows.length === 0) return '';
  const columns = columnsOf(rows);
  const cells = rows.map((row) => columns.map((name) => cell(row[name])));
  const widths = columns.map((name, i) => Math.max(width(name), ...cells.map((line) => width(line[i]!))));
  let over = widths.reduce((sum, w) => sum + w + 2, -2) - (terminal ?? Number.POSITIVE_INFINITY);
  while (over > 0) {
    const widest = widths.reduce(
      (best, w, i) => (columns[i]!.endsWith('id') || w <= (widths[best] ?? 0) ? best : i),
      -1,
    );
    if (widest === -1 || widths[widest]! <= 8) break;
    const cut = Math.min(over, widths[widest]! - 8);
    widths[widest]! -= Math.max(1, Math.ceil(cut / 2));
    over = widths.reduce((sum, w) => sum + w + 2, -2) - (terminal ?? 0);
  }
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => fit(text, widths[i]!))
      .join('  ')
      .trimEnd();
  return `${[line(columns.map((name) => name.toUpperCase())), ...cells.map(line)].join('\n')}\n`;
};

const block = (text: string, indent: string): string =>
  printable(text)
    .split('\n')
    .map((one) => indent + one)
    .join('\n');

/** One thing as lines of `name  value`; what is empty is left out. */
export const record = (row: Row, indent = ''): string => {
  const entries = Object.entries(row).filter(
    ([, value]) =>
      value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  const label = Math.max(0, ...entries.map(([name]) => name.length));
  const lines = entries.map(([name, value]) => {
    const head = `${indent}${name.padEnd(label)}  `;
    if (typeof value === 'string' && value.includes('\n')) return `${indent}${name}\n${block(value, `${indent}  `)}`;
    if (Array.isArray(value) && value.every(isRow) && value.length > 0)
      return `${indent}${name}\n${value.map((one) => record(one, `${indent}  `)).join(`${indent}  --\n`)}`.trimEnd();
    if (isRow(value) && typeof value['name'] !== 'string' && Object.keys(value).length > 0)
      return `${indent}${name}\n${record(value, `${indent}  `)}`.trimEnd();
    return head + (typeof value === 'string' ? printable(value) : cell(value));
  });
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
};

const isPage = (value: unknown): value is { items: Row[]; next_cursor: string | null } =>
  isRow(value) && Array.isArray(value['items']) && 'next_cursor' in value;

/** The answer of an operation, raw or for reading. */
export const show = (io: Io, answer: unknown, json: boolean): void => {
  if (json) {
    io.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  if (answer === null || answer === undefined) return;
  if (isPage(answer)) {
    io.stdout.write(answer.items.length === 0 ? 'Nothing here.\n' : table(answer.items, io.stdout.columns));
    if (answer.next_cursor !== null)
      io.stderr.write(`There is more: --all for everything, or --cursor ${answer.next_cursor}\n`);
    return;
  }
  io.stdout.write(
    isRow(answer) ? record(answer) : `${typeof answer === 'string' ? printable(answer) : JSON.stringify(answer)}\n`,
  );
};
