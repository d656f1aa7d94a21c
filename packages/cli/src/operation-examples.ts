import type { Operation } from '@atrium/protocol';
import { dashed } from './flag-names.ts';
import type { InputFlag } from './operation-flags.ts';

const anId = '0190a000-0000-7000-8000-000000000000';

/** What is typed for a member, by its name; for others a word that says what it is. */
const samples: Readonly<Record<string, string>> = {
  diary_ref: 'Private',
  fingerprint: '21FE-31DF-A154-A261',
  email: 'ada@example.org',
  password: 'PASSWORD',
  token: 'TOKEN',
  code: 'CODE',
  url: 'https://example.org',
  content: '"Staging moved to build-09."',
  title: '"Deploy to production?"',
  name: 'builder',
  reason: '"No longer needed"',
  text: '"Looks good"',
  body: '"Looks good"',
};

const isId = (name: string): boolean => name === 'id' || name.endsWith('_id');

const sampleOf = (name: string): string => samples[name] ?? (isId(name) ? anId : name.toUpperCase());

const sampleFor = (flag: InputFlag): string => {
  if (flag.choices !== null) return flag.choices[0]!;
  switch (flag.kind) {
    case 'number':
    case 'integer':
      return '1';
    case 'json':
      return `@${dashed(flag.name)}.json`;
    default:
      return sampleOf(flag.name);
  }
};

/** The shortest call of a command that stands for an operation: what it cannot do without. */
export const shortestCall = (
  operation: Operation,
  words: string,
  positionals: readonly string[],
  flags: readonly InputFlag[],
): string => {
  const needed = flags.filter((flag) => flag.required && !positionals.includes(flag.name));
  const given = needed.map((flag) =>
    flag.kind === 'boolean' ? `--${dashed(flag.name)}` : `--${dashed(flag.name)} ${sampleFor(flag)}`,
  );
  const file = operation.body === 'multipart' || operation.body === 'raw' ? ['FILE'] : [];
  return ['atrium', words, ...positionals.map(sampleOf), ...file, ...given].join(' ');
};
