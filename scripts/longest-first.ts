import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take the longest, in that order; whatever begins late is waited for alone. */
const long = [
  'web/test/every-page',
  'flows/backup-round-trip',
  'web/test/server-pages',
  'web/test/admin-pages',
  'web/test/inbox',
  'web/test/pages',
  'flows/crash-kill-loop',
  'flows/cli-commands',
  'web/test/keyboard',
  'web/test/plain-pages',
  'flows/master-key-rotation',
  'flows/races',
  'flows/sign-in-browser',
  'flows/start-refusals',
  'flows/visibility-oracle',
  'flows/replicas',
  'flows/event-sinks',
];

const rank = ({ moduleId }: TestSpecification): number => {
  const at = long.findIndex((name) => moduleId.includes(`${name}.test.`));
  return at === -1 ? long.length : at;
};

/** A fresh clone knows no durations of an earlier run, by which files would be ordered otherwise. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
